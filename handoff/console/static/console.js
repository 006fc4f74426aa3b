// Keeps an open page current, and sends messages without loading it anew. Every page works
// without it. Nothing is kept in the browser.
"use strict";
document.documentElement.classList.remove("plain");

document.addEventListener("DOMContentLoaded", () => {
  const find = (id) => document.getElementById(id);
  const live = find("live");
  if (!live) return;
  const status = find("status");
  const log = find("log");
  const send = find("send");
  let lastSign = 0;
  for (const kind of ["keydown", "pointerdown", "touchstart"]) {
    document.addEventListener(kind, () => { lastSign = Date.now(); }, { passive: true });
  }

  // --- Sound and notices: they say that somebody is there, and nothing else

  let sound = null;
  const notify = find("notify");
  if (notify) {
    notify.hidden = false;
    notify.addEventListener("click", async () => {
      sound = sound || new AudioContext();
      sound.resume();
      beep();
      if ("Notification" in window) await Notification.requestPermission();
    });
  }

  function beep() {
    if (!sound) return;
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.15, sound.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.4);
    tone.connect(volume).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.4);
  }

  function call() {
    beep();
    if ("Notification" in window && Notification.permission === "granted") {
      new Notification(live.dataset.notice, { tag: "firstpoint", renotify: true });
    }
    document.title = "● " + live.dataset.title;
  }
  window.addEventListener("focus", () => { document.title = live.dataset.title; });

  // --- What is said about the page itself

  function say(text, warn) {
    status.textContent = text || "";
    status.classList.toggle("note", Boolean(text && warn));
  }

  // --- News

  let known = null;
  let alarms = Number(live.dataset.alarms || 0);
  let lost = 0;

  function put(id, html) {
    const place = find(id);
    if (!place || place.innerHTML === html) return;
    const focused = document.activeElement;
    const inside = place.contains(focused) ? focused.id : "";
    const open = [...place.querySelectorAll("details")].map((one) => one.open);
    place.innerHTML = html;
    place.querySelectorAll("details").forEach((one, i) => { if (i < open.length) one.open = open[i]; });
    if (inside) (find(inside) || find("main")).focus();
  }

  function append(html, last) {
    const near = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    const entries = find("entries");
    const shown = new Set([...entries.children].map((one) => one.dataset.seq));
    const holder = document.createElement("ol");
    holder.innerHTML = html;
    let fromPerson = false;
    for (const entry of [...holder.children]) {
      if (shown.has(entry.dataset.seq)) continue;
      fromPerson = fromPerson || entry.classList.contains("by-person");
      entries.append(entry);
    }
    live.dataset.after = last;
    for (const field of document.querySelectorAll("input.last")) field.value = last;
    if (near) log.scrollTop = log.scrollHeight;
    return fromPerson;
  }

  function show(found) {
    if (found.seen) live.dataset.seen = found.seen;
    for (const [id, html] of Object.entries(found.parts || {})) put(id, html);
    const fromPerson = log && found.last ? append(found.log, found.last) : false;
    if (found.now) {
      if (known && found.now.some((one) => !known.has(one))) call();
      known = new Set(found.now);
    }
    const raised = "alarms" in found && found.alarms > alarms;
    if ("alarms" in found) alarms = Math.max(alarms, found.alarms);
    if (raised || (fromPerson && document.hidden)) call();
  }

  async function look() {
    const query = new URLSearchParams({ seen: live.dataset.seen });
    if (live.dataset.after) query.set("after", live.dataset.after);
    if (Date.now() - lastSign < 60000) query.set("active", "1");
    const answer = await fetch(live.dataset.url + "?" + query, { headers: { "X-Live": "1" }, cache: "no-store" });
    const found = await answer.json();
    if (answer.status >= 500) throw new Error("again");
    if (!found.ok) {
      say(found.text, true);
      if (send) send.querySelector("button").disabled = true;
      return false;
    }
    show(found);
    return true;
  }

  async function follow() {
    for (;;) {
      try {
        if (!(await look())) return;
        if (lost) say(live.dataset.back, false);
        lost = 0;
      } catch {
        lost += 1;
        if (lost > 1) say(live.dataset.lost, true);
        await new Promise((go) => setTimeout(go, Math.min(10000, 500 * 2 ** lost)));
      }
    }
  }

  // --- Sending: the same key until it is acknowledged, so that it counts once

  if (send) {
    const words = find("words");
    const button = send.querySelector("button");
    send.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      try {
        const body = new URLSearchParams(new FormData(send));
        const answer = await fetch(send.action, { method: "POST", body, headers: { "X-Live": "1" } });
        const found = await answer.json();
        if (found.ok) {
          send.elements.key.value = found.key;
          words.value = "";
          say("", false);
        } else {
          say(found.text, true);
        }
      } catch {
        say(live.dataset.notSent, true);
      }
      button.disabled = false;
      words.focus();
    });
    words.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send.requestSubmit();
    });
    log.scrollTop = log.scrollHeight;
  }
  follow();
});
