// Makes the page quicker and safer where scripts run; without this file everything works as well.
// Nothing is stored: what is known of a conversation lives in these variables and ends with the page.
"use strict";
(() => {
const $ = (selector, within = document) => within.querySelector(selector);
const root = document.documentElement;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const MINUTE = 60000, PACE = 1500, MOST_WAIT = 15000, SILENCE = 40000, FIRST_BYTES = 6000;
const ENDS = ["gone", "view_ended", "token"];

const make = (tag, fields, ...inside) => {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...inside);
  return made;
};
const template = (id) => $(`template#${id}`)?.content.cloneNode(true);
const words = (name) => {
  for (const each of document.querySelectorAll("template")) {
    const found = $(`[data-w="${name}"]`, each.content);
    if (found) return make("span", {}, ...found.cloneNode(true).childNodes);
  }
  return "";
};
const plain = (name) => words(name).textContent ?? "";
const random = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replace(/[+/]/g, "-");
const shown = () => $("#form.page") || $("form.talk");

// Leaving: the screen is blank at once, and the page does not stay behind in the history.
const leave = (event) => {
  event?.preventDefault();
  const to = $(".exit").href, said = make("div", { className: "cover", role: "alert" }, words("exit_done"));
  document.title = plain("loading");
  document.body.replaceChildren(said);
  location.replace(to);
};
document.addEventListener("click", (event) => event.target.closest(".exit") && leave(event));

let presses = 0, alone = false, forget;
const count = (number) => {
  presses = number;
  clearTimeout(forget);
  $(".dots")?.remove();
  if (!number) return;
  if (number > 2) return leave();
  forget = setTimeout(count, 5000, 0);
  const dots = [1, 2, 3].map((dot) => make("i", { className: dot <= number ? "on" : "" }));
  const said = make("span", { className: "quiet" }, words("exit_progress"));
  $("header").prepend(make("div", { className: "dots", role: "status" }, ...dots, said));
};
addEventListener("keydown", (event) => {
  alone = event.key === "Shift";
  if (!alone && presses) count(0);
});
addEventListener("keyup", (event) => event.key === "Shift" && alone && count(presses + 1));
addEventListener("pageshow", (event) => event.persisted && location.reload());

// Hiding after a quiet time. Nothing is lost: "Show again" brings everything back.
let moved = Date.now();
const warning = () => $(".idle");
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove", "input"])
  addEventListener(kind, () => { moved = Date.now(); warning()?.remove(); }, { passive: true, capture: true });
setInterval(() => {
  const quiet = Date.now() - moved, main = $("main");
  if (!main || main.hidden || !shown()) return;
  if (quiet >= 15 * MINUTE) {
    warning()?.remove();
    main.hidden = true;
    main.before(template("guard"));
    $(".cover button").addEventListener("click", () => { $(".cover").remove(); main.hidden = false; shown()?.scrollIntoView(); });
    $(".cover").focus();
  } else if (quiet >= 14 * MINUTE && !warning()) main.prepend(make("p", { className: "note idle", role: "status" }, words("idle_warning")));
}, 5000);

// Reading aloud, only with voices of this device: others send the words to their maker.
const speech = window.speechSynthesis;
const voice = () => speech?.getVoices().find((each) => each.localService && each.lang.split(/[-_]/)[0] === root.lang.split("-")[0]);
const offerAloud = () => { const offer = $(".aloud"); if (offer) offer.hidden = !voice(); };
speech?.addEventListener?.("voiceschanged", offerAloud);
document.addEventListener("click", (event) => {
  if (event.target.closest(".hush, .speak")) speech.cancel();
  if (!event.target.closest(".speak")) return;
  const said = [...document.querySelectorAll(".messages > li")], own = said.map((each) => each.matches(".by-person")).lastIndexOf(true);
  for (const part of [...said.slice(own + 1), ...document.querySelectorAll("legend, .question .choices button, .pick")]) {
    const spoken = new SpeechSynthesisUtterance(part.textContent);
    spoken.voice = voice();
    speech.speak(spoken);
  }
});
offerAloud();

if (document.body.dataset.screen !== "start" || !window.AbortSignal?.timeout || !window.TextDecoderStream) return;

// The conversation.
let token = "", view = null, first = 1, last = 0, code = null, open = false, chain = Promise.resolve();
let queue = [], sending = false, country = null, numbers = null, stopStream = () => {};

const pause = (time) => new Promise((resolve) => {
  const timer = setTimeout(resolve, time);
  addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
});
const post = (path, body, signal) => fetch(`/api/${path}`, {
  method: "POST", signal, body: JSON.stringify(body),
  headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
});
const call = async (path, body) => {
  const answer = await post(path, body, AbortSignal.timeout(20000)), found = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(), { code: found.error });
  return found;
};
// Repeats the same input under the same id until it is acknowledged: that is one turn.
const insist = async (path, body) => {
  for (let wait = 500, failed = false; ; wait = Math.min(2 * wait, MOST_WAIT)) {
    try {
      const found = await call(path, body);
      if (failed) trouble(false);
      return found;
    } catch (error) {
      if (error.code && error.code !== "not_saved") { if (failed) trouble(false); throw error; }
      failed = true;
      trouble(true);
      await pause(wait);
    }
  }
};
const page = async (fields) => {
  const answer = await fetch("/", { method: "POST", body: new URLSearchParams(fields), signal: AbortSignal.timeout(20000) });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};
const take = (page) => {
  root.lang = page.documentElement.lang;
  root.dir = page.documentElement.dir;
  document.title = page.title;
  document.body.replaceChildren(...page.body.childNodes);
};
const note = (name) => {
  const status = $(".status") ?? $("main").insertBefore(make("p", { className: "status", role: "status" }), $("h1").nextSibling);
  status.replaceChildren(name ? words(name) : "");
};
const trouble = (now) => {
  note(now ? "connection_lost" : open ? "connected_again" : "");
  const help = $(".help");
  if (!help) return;
  help.hidden = !now;
  help.replaceChildren(...(now ? [words("emergency_page_numbers"), numbers ?? template("general")] : []));
};

// Showing.
const fields = ({ lang }) => lang === root.lang ? {} : lang ? { lang, dir: lang === "en" ? "ltr" : "auto" } : { dir: "auto", translate: false };
const worded = (text) => text.lang === root.lang ? text.text : make("span", fields(text), text.text);
const line = (each) => {
  if (each.text !== undefined) return make("p", fields(each), each.text);
  const made = make("p", { className: "number" }), phone = each.phone, link = each.link;
  if (each.label) made.append(make("span", fields(each.label), each.label.text), " ");
  if (phone?.name) made.append(make("bdi", {}, phone.name), " ");
  if (phone?.dial) {
    const dial = make("a", { className: "phone", href: `tel:${phone.dial}`, dir: "ltr" }, phone.number);
    dial.setAttribute("aria-label", `${plain("call")} ${phone.number}`);
    made.append(dial);
  } else if (phone) made.append(make("bdi", { className: "phone", dir: "ltr" }, phone.number));
  else made.append(make("a", { href: link.url, rel: "noreferrer noopener", target: "_blank" }, make("bdi", {}, link.name || link.url)));
  return made;
};
const BY = { person: "from_you", operator: "from_person" };
const bubble = (message) => make("li", { className: `by-${message.by} fresh` }, make("span", { className: "by" }, words(BY[message.by] ?? "from_program")), ...message.lines.map(line));

let held = [], paused = false, ticking = 0, top = null;
const reveal = (all) => {
  clearTimeout(ticking);
  ticking = 0;
  const log = $(".messages");
  while (held.length && (all || !paused)) {
    const item = bubble(held[0]), bot = held.shift().by === "bot";
    log.append(item);
    top ??= item;
    if (!all) item.scrollIntoView({ block: "nearest" });
    if (!all && bot && held[0]?.by === "bot") { ticking = setTimeout(reveal, PACE); break; }
  }
  $(".pace").hidden = !held.length;
  if (!held.length) ask();
};
const ask = () => {
  const field = $(".question"), asked = view.question, away = [document.body, $(".log"), field, null].includes(document.activeElement) || !document.activeElement.isConnected;
  $(".with-person").hidden = view.owner !== "operator";
  $(".new").hidden = view.owner !== "closed";
  for (const button of document.querySelectorAll(".always button")) button.hidden = !view.offers.includes(button.value.slice(7));
  const known = String(asked?.number);
  if (field.dataset.number !== known || field.hidden !== !asked) {
    field.hidden = !asked;
    field.dataset.number = known;
    if (asked) fill(field, asked);
    if (away && asked) field.focus({ preventScroll: true });
  }
  // What is new is read from its beginning, even where the buttons do not fit on the screen.
  if (top) {
    const end = asked ? field : $(".messages").lastElementChild, room = innerHeight - $("header").offsetHeight;
    if (end.getBoundingClientRect().bottom - top.getBoundingClientRect().top > room) top.scrollIntoView();
    else end.scrollIntoView({ block: "nearest" });
  }
  top = null;
};
const fill = (field, asked) => {
  const many = asked.pick === "many", apart = (choice) => many && !["dont_know", "skip"].includes(choice.id);
  $("legend", field).replaceChildren(worded(asked.question));
  $(".hint", field).hidden = $(".done", field).hidden = !many;
  for (const old of field.querySelectorAll(".pick")) old.remove();
  const button = (choice) => make("button", { name: "do", value: `choice:${choice.id}` }, worded(choice));
  const box = (choice) => make("label", { className: "pick" }, make("input", { type: "checkbox", name: "pick", value: choice.id }), make("span", {}, worded(choice)));
  $(".hint", field).after(...asked.choices.filter(apart).map(box));
  const buttons = asked.choices.filter((choice) => !apart(choice)).map(button);
  if (many) buttons.unshift($(".done", field));
  $(".choices", field).replaceChildren(...buttons);
};
const build = (back) => {
  $("main").replaceChildren(template("chat"));
  $(".earlier").hidden = !back;
  held = [];
  if (code) showCode();
  offerAloud();
};
const fillCode = (section) => {
  section.hidden = false;
  $(".digits", section).textContent = code.code;
  $(".agreed", section).textContent = code.word;
  return section;
};
const showCode = () => fillCode($(".code")).scrollIntoView({ block: "nearest" });

// What the service answers goes through one chain, in order.
const receive = (found, paced) => chain = chain.then(() => use(found, paced)).catch((error) => setTimeout(() => { throw error; }));
const use = async (found, paced) => {
  // While an input is on its way its own answer says best what became of the conversation.
  if (!open || (found.error && found.news && sending)) return;
  if (found.erased) return end("erased");
  if (found.error) return end(found.error === "gone" ? "gone" : "page_opens_nothing");
  if (found.code) code = found;
  if (found.left) return end("left", found.messages);
  if (found.token) token = found.token;
  if (found.country && found.country !== country) learn(found.country);
  if (found.language && found.language !== root.lang) return translate(found.language);
  const fresh = found.messages.filter((each) => each.seq > last);
  if (found.question !== undefined && found.last >= last) view = found;
  last = Math.max(last, found.last);
  if (found.code) showCode();
  if (view.question?.number != $(".question").dataset.number) $(".question").hidden = true;
  const urgent = fresh.some((each) => each.lines.some((one) => one.phone));
  held.push(...fresh);
  const all = !paced || calm.matches || urgent;
  if (all || !ticking) reveal(all);
};
const translate = async (language) => {
  const draft = $("#words").value, back = !$(".earlier").hidden;
  take(await page({ do: `language:${language}` }));
  root.lang = language;
  build(back);
  $("#words").value = draft;
  last = first - 1;
  if (country) learn(country);
  await use(await insist("read", { after: last }), false);
};
const learn = (where) => {
  country = where;
  page({ do: `numbers:${where}`, language: root.lang }).then((found) => { numbers = $(".numbers .lines", found) ?? numbers; }, () => {});
};
const end = (screen, messages = []) => {
  open = false;
  stopStream();
  queue = []; held = [];
  $("main").replaceChildren(template(screen));
  const items = messages.filter((each) => each.by !== "person").map(bubble);
  if (items.length) $(".lead").after(make("ol", { className: "messages" }, ...items));
  if (code && screen === "left") $(".lead").after(fillCode($(".code", template("chat"))));
  code = null;
  $("h1").tabIndex = -1;
  $("h1").focus();
};

const busy = () => {
  for (const button of document.querySelectorAll(".question button"))
    if (sending) button.ariaDisabled = "true"; else button.removeAttribute("aria-disabled");
};
const put = (what, item) => {
  queue.push({ id: random(), what, item });
  send();
};
const send = async () => {
  if (sending) return;
  sending = true;
  busy();
  while (queue.length && open) {
    const { id, what, item } = queue[0];
    try {
      const found = await insist("input", { id, after: last, ...what });
      item?.remove();
      await receive(found, what.action !== "hotline");
    } catch (error) {
      item?.remove();
      refuse(error.code, what);
    }
    queue.shift();
  }
  sending = false;
  busy();
};
const refuse = (reason, what) => {
  if (ENDS.includes(reason)) return receive({ error: reason });
  note({ full: "conversation_full", too_large: "too_long" }[reason] ?? "not_readable");
  if (what.words && !$("#words").value) $("#words").value = what.words;
};
const act = (value, form) => {
  const [, verb, object] = /^(\w+):?(.*)$/.exec(value), field = $(".question"), number = view?.question?.number;
  if (sending && ["choice", "done"].includes(verb)) return;
  if (held.length) reveal(true);
  if (!queue.length) note("");
  if (verb === "send") {
    const text = $("#words"), said = text.value.trim();
    if (!said) return;
    const item = make("li", { className: "by-person unsaved" }, make("p", { dir: "auto", translate: false }, said), make("small", {}, words("not_saved_yet")));
    $(".messages").append(item);
    text.value = "";
    return put({ words: said }, item);
  }
  if (verb === "action") return put({ action: object });
  const picked = verb === "done" ? [...field.querySelectorAll(":checked")].map((each) => each.value) : [object];
  if (!picked.length) return;
  put({ press: { number, choices: picked } });
  $(".log").focus({ preventScroll: true });
};

const begin = (found, back) => {
  open = true;
  token = found.token;
  view = null;
  first = found.messages[0]?.seq ?? found.last + 1;
  last = first - 1;
  code = null;
  build(back);
  receive(found, !back);
  listen();
};
const askWord = (form, now, wrong) => {
  for (const each of form.querySelectorAll(".word")) each.remove();
  for (const each of form.querySelectorAll("[for=code], #code")) each.hidden = now;
  if (!now) return;
  $("button", form).before(template("ask-word"));
  if (!wrong) $("#word-wrong").remove();
  $("#word").focus();
};
const enter = async (form, path, body) => {
  for (const button of form.querySelectorAll("button")) button.ariaDisabled = "true";
  try {
    begin(await insist(path, body), path === "return");
  } catch (error) {
    if (error.code === "view_ended" && path === "return") return enter(form, path, { ...body, id: random() });
    const asks = ["word", "word_wrong"].includes(error.code);
    note(asks ? "" : { code: "code_unknown", wait: "code_wait" }[error.code] ?? "page_opens_nothing");
    if (asks || error.code === "code") askWord(form, asks, error.code === "word_wrong");
  }
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
};
const check = async () => {
  try {
    await call("read", { after: 0 });
    note("not_checked");
  } catch (error) {
    note(["gone", "token"].includes(error.code) ? "checked_erased" : "not_checked");
  }
};

// News as it comes; where a proxy holds streams back, by asking now and then.
const listen = async () => {
  for (let wait = 1000, blocked = 0, asked = 0; open; ) {
    if (blocked > 1 && asked++ < 20) {
      try { await receive(await call("read", { after: last }), true); } catch (error) { if (ENDS.includes(error.code)) await receive({ error: error.code, news: true }); }
      await pause(view?.owner === "bot" ? MOST_WAIT : 4000);
      continue;
    }
    asked = 0;
    const control = new AbortController();
    let timer = setTimeout(() => control.abort(), FIRST_BYTES), heard = false;
    stopStream = () => control.abort();
    try {
      const answer = await post("stream", { after: last }, control.signal);
      if (!answer.ok) {
        const { error } = await answer.json();
        if (ENDS.includes(error)) await receive({ error, news: true });
        if (error === "wait") blocked = 2;
        throw error;
      }
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) break;
        heard = true;
        wait = 1000;
        clearTimeout(timer);
        timer = setTimeout(() => control.abort(), SILENCE);
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events)
          for (const part of event.split("\n")) if (part.startsWith("data:")) {
            const found = JSON.parse(part.slice(5));
            if (found.error === "wait") { blocked = 2; heard = false; } else receive({ ...found, news: true }, true);
          }
      }
    } catch {}
    clearTimeout(timer);
    if (heard) blocked = 0; else if (control.signal.aborted) blocked++;
    if (open) await pause(wait);
    wait = Math.min(2 * wait, MOST_WAIT);
  }
};

document.addEventListener("click", async (event) => {
  if (event.target.closest(".all")) reveal(true);
  const halt = event.target.closest(".pause");
  if (halt) {
    paused = !paused;
    halt.replaceChildren(words(paused ? "go_on" : "pause"));
    reveal(false);
  }
  const earlier = event.target.closest("button.earlier[type=button]");
  if (!earlier) return;
  earlier.hidden = true;
  const items = [];
  for (let after = 0; after < first - 1; ) {
    const found = await insist("read", { after });
    receive(found, true);
    items.push(...found.messages.filter((each) => each.seq < first).map(bubble));
    after = found.last;
  }
  first = 1;
  $(".messages").prepend(...items);
  $(".log").focus();
});
document.addEventListener("submit", async (event) => {
  const form = event.target, value = event.submitter?.value ?? "";
  event.preventDefault();
  if (event.submitter?.ariaDisabled === "true") return;
  if (form.matches(".talk")) return act(value, form);
  if (form.matches(".check")) return check();
  if (value === "start") return enter(form, "start", { id: random(), language: root.lang });
  if (value === "open") return enter(form, "return", { id: random(), code: form.elements.code.value, word: form.elements.word?.value ?? "" });
  try { take(await page(new FormData(form, event.submitter))); $("h1").tabIndex = -1; $("h1").focus(); offerAloud(); } catch { note("connection_lost"); }
});
})();
