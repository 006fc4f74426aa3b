// Keeps an open page current, rings when somebody needs a human, and sends messages without
// loading the page anew. Every page works without it. Until the window is closed the browser
// keeps whether it may ring, and random marks of what it has rung for; nothing about anybody.
"use strict";
document.documentElement.classList.remove("plain");

const PATIENCE = 30000; // Longer than the service holds an answer back.
const RING_AGAIN = 30000;
const SIGN_COUNTS = 60000;

document.addEventListener("DOMContentLoaded", () => {
  const find = (id) => document.getElementById(id);
  const live = find("live");
  if (!live) return;
  const log = find("log");
  const send = find("send");
  const bell = find("notify");
  const words = find("words");
  const title = document.title;

  function kept(name, otherwise) {
    try { return JSON.parse(sessionStorage.getItem(name)) ?? otherwise; } catch { return otherwise; }
  }
  function keep(name, value) {
    try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* for this page only */ }
  }

  // --- Sound and notices: they say that somebody is there, and nothing else

  let rings = kept("rings", false);
  let sound = null;
  const ringNot = bell.textContent;

  function listen() {
    if (!rings) return;
    if (!sound) {
      sound = new AudioContext();
      sound.onstatechange = showBell;
    }
    // A browser may want somebody to press something on each page before it may be heard.
    if (sound.state !== "running") sound.resume().catch(() => {});
    showBell();
  }

  function isSilent() {
    return !sound || sound.state !== "running";
  }

  function showBell() {
    const blocked = rings && isSilent();
    bell.hidden = false;
    bell.textContent = blocked ? bell.dataset.blocked : rings ? bell.dataset.on : ringNot;
    bell.classList.toggle("note", blocked);
  }

  bell.addEventListener("click", async () => {
    if (!rings || !isSilent()) {
      rings = !rings;
      keep("rings", rings);
    }
    listen();
    showBell();
    if (!rings) return;
    if (!isSilent()) beep(false);
    else sound.addEventListener("statechange", () => beep(false), { once: true });
    if ("Notification" in window) await Notification.requestPermission();
  });

  function beep(urgent) {
    if (!rings || isSilent()) return;
    for (const [after, height] of urgent ? [[0, 660], [0.25, 880], [0.5, 660]] : [[0, 660]]) {
      const from = sound.currentTime + after;
      const tone = sound.createOscillator();
      const volume = sound.createGain();
      tone.frequency.value = height;
      volume.gain.setValueAtTime(0.15, from);
      volume.gain.exponentialRampToValueAtTime(0.001, from + 0.4);
      tone.connect(volume).connect(sound.destination);
      tone.start(from);
      tone.stop(from + 0.4);
    }
  }

  // --- Calling whoever sits here. What is urgent rings again until somebody moves.

  let lastSign = 0;
  let marked = false;
  let unheard = false;
  let trouble = "";

  function call(urgent) {
    beep(urgent);
    if (rings && "Notification" in window && Notification.permission === "granted") {
      new Notification(live.dataset.notice, { tag: "firstpoint", renotify: true });
    }
    find("heard").textContent = live.dataset.notice;
    marked = true;
    unheard = unheard || urgent;
    showTitle();
  }

  function showTitle() {
    document.title = (marked || trouble ? "● " : "") + (trouble || title);
  }

  function notice() {
    marked = unheard = false;
    find("heard").textContent = "";
    showTitle();
  }

  for (const kind of ["keydown", "pointerdown", "touchstart"]) {
    document.addEventListener(kind, (event) => {
      lastSign = Date.now();
      notice();
      if (!bell.contains(event.target)) listen();
    }, { passive: true });
  }
  window.addEventListener("focus", notice);
  setInterval(() => { if (unheard) beep(true); }, RING_AGAIN);

  // --- What is said about the page itself

  function say(text, look) {
    find("status").textContent = text || "";
    find("trouble").className = "trouble " + (text && look ? look : "");
  }

  function isInTrouble(text, short) {
    say(text, "alarms");
    trouble = short;
    call(true);
  }

  // --- News

  let known = new Set(kept("known", []));
  let lengths = null;
  let over = false;
  let lost = 0;
  const drawn = new Map();

  function put(id, html) {
    const place = find(id);
    if (!place || drawn.get(id) === html) return;
    drawn.set(id, html);
    if (place.innerHTML === html) return;
    const focused = document.activeElement;
    const inside = place.contains(focused) ? focused.id : "";
    const open = [...place.querySelectorAll("details")].map((one) => one.open);
    const wasInside = place.contains(focused);
    place.innerHTML = html;
    place.querySelectorAll("details").forEach((one, i) => { if (i < open.length) one.open = open[i]; });
    if (wasInside) ((inside && find(inside)) || find("main")).focus();
  }

  function atEnd() {
    return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
    find("below").hidden = true;
  }

  function append(html, last) {
    const near = atEnd();
    const entries = find("entries");
    const shown = new Set([...entries.children].map((one) => one.dataset.seq));
    const holder = document.createElement("ol");
    holder.innerHTML = html;
    const fresh = [...holder.children].filter((one) => !shown.has(one.dataset.seq));
    entries.append(...fresh);
    live.dataset.after = last;
    for (const field of document.querySelectorAll("input.last")) field.value = last;
    if (near || fresh.some((one) => one.classList.contains("by-operator"))) toEnd();
    else if (fresh.length) find("below").hidden = false;
    return fresh.some((one) => one.classList.contains("by-person"));
  }

  // One's other conversations: what was written there since one last had them open.
  function markUnread() {
    const read = kept("read", {});
    const now = {};
    let more = false;
    for (const link of document.querySelectorAll("#own a")) {
      const length = Number(link.dataset.length);
      const tag = link.querySelector(".unread");
      now[link.id] = tag ? (read[link.id] ?? 0) : length;
      if (!tag) continue;
      tag.hidden = length <= now[link.id];
      more = more || (lengths !== null && length > (lengths[link.id] ?? 0));
    }
    keep("read", now);
    lengths = Object.fromEntries(
      [...document.querySelectorAll("#own a")].map((link) => [link.id, Number(link.dataset.length)]));
    return more;
  }

  function show(found) {
    if (found.stay) live.dataset.stay = found.stay;
    if (found.seen) live.dataset.seen = found.seen;
    for (const [id, html] of Object.entries(found.parts || {})) put(id, html);
    const elsewhere = found.parts ? markUnread() : false;
    const fromPerson = log && found.last ? append(found.log, found.last) : false;
    let urgent = false;
    if (found.now) {
      urgent = found.now.some((one) => !known.has(one));
      known = new Set(found.now);
      keep("known", found.now);
    }
    if (urgent || elsewhere || (fromPerson && !document.hasFocus())) call(urgent);
    if (urgent && document.activeElement === words) send.scrollIntoView({ block: "nearest" });
  }

  // The conversation is not ours any more, but this page still has to ring for others.
  function followDesk(text) {
    over = true;
    send.querySelector("button").disabled = true;
    say(text, "note");
    call(true);
    Object.assign(live.dataset, { url: "/live/desk", seen: "", stay: "", after: "" });
  }

  async function look() {
    const query = new URLSearchParams({ seen: live.dataset.seen, stay: live.dataset.stay });
    if (live.dataset.after) query.set("after", live.dataset.after);
    if (Date.now() - lastSign < SIGN_COUNTS) query.set("active", "1");
    const answer = await fetch(live.dataset.url + "?" + query, {
      headers: { "X-Live": "1" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
    });
    const found = await answer.json();
    if (answer.status >= 500) throw new Error("again");
    if (found.ok) {
      show(found);
      return true;
    }
    if (send && !over && answer.status !== 401 && answer.status !== 403) {
      followDesk(found.text);
      return true;
    }
    over = true;
    if (send) send.querySelector("button").disabled = true;
    find("sign-in").hidden = answer.status !== 401;
    isInTrouble(found.text, live.dataset.endedShort);
    return false;
  }

  async function follow() {
    for (;;) {
      try {
        if (!(await look())) return;
        if (lost > 1) {
          trouble = "";
          showTitle();
          say(live.dataset.back);
        }
        lost = 0;
      } catch {
        lost += 1;
        if (lost === 2) isInTrouble(live.dataset.lost, live.dataset.lostShort);
        await new Promise((go) => setTimeout(go, Math.min(10000, 500 * 2 ** lost)));
      }
    }
  }

  // --- Sending: the same key until it is acknowledged, so that it counts once

  // What was typed while a message was on its way stays, with the cursor where it is.
  function takeOut(sent) {
    if (!words.value.startsWith(sent)) return;
    const rest = words.value.slice(sent.length);
    words.setRangeText("", 0, words.value.length - rest.trimStart().length, "preserve");
  }

  if (send) {
    const button = send.querySelector("button");
    send.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      const sent = words.value;
      try {
        const body = new URLSearchParams(new FormData(send));
        const answer = await fetch(send.action, {
          method: "POST", body, headers: { "X-Live": "1" }, signal: AbortSignal.timeout(PATIENCE),
        });
        const found = await answer.json();
        if (found.ok) {
          send.elements.key.value = found.key;
          takeOut(sent);
          if (!over) say("");
        } else {
          say(found.text, "note");
        }
      } catch {
        say(live.dataset.notSent, "note");
      }
      button.disabled = over;
      if ([document.body, button].includes(document.activeElement)) words.focus();
    });
    words.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send.requestSubmit();
    });
    find("below").addEventListener("click", () => { toEnd(); log.focus(); });
    log.addEventListener("scroll", () => { if (atEnd()) find("below").hidden = true; }, { passive: true });
    toEnd();
    send.scrollIntoView({ block: "nearest" });
  }
  listen();
  showBell();
  markUnread();
  follow();
});
