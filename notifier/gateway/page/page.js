/*
 * notifier/gateway/page/page.js: the live page.
 *
 *   WebSocket --events--> waiting[] --10 times a second--> table (200 rows)
 *   /v1/stats --every 2 s--> tiles, reasons, partitions
 *
 * A burst only fills `waiting`, which keeps the newest 200. Amounts are strings
 * that become BigInt, never Number. After a lost connection the page goes on
 * from its last cursor, and says so when that was not possible.
 *
 * From: notifier/gateway/client.c (frames) and answer_stats.c.
 * To:   whoever looks.
 */
"use strict";

const ROWS_MAX = 200;
const DRAW_MS = 100;
const STATS_MS = 2000;
const SECONDS = 60;
const DELAYS_MAX = 400;
const PAUSE_MS = [300, 800, 1500, 3000, 6000, 10000];

const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en");
const text = (id, value) => {
  const node = $(id);
  if (node.textContent !== value) node.textContent = value;
};

/* ---- what we listen to ---- */

const listening = {
  socket: null,
  tries: 0,
  channels: ["transactions"],
  cursor: null,
  asked: new Map(), /* id of a request -> channel */
  nextId: 1,
  closed: false, /* the firehose needs a token here */
};

let paused = false;
let held = false; /* a pointer is over the rows: do not move them */
let waiting = []; /* newest last */
let skipped = 0; /* while paused */
let seen = new Set(); /* record id and type: repeats after a resume */
const chains = new Set(["eip155:1"]);
const delays = []; /* ms, newest last */
const seconds = new Array(SECONDS).fill(0);
let secondNow = Math.floor(Date.now() / 1000);
let clockOff = 0; /* the server's clock minus ours, ms */
let clockTrip = Infinity; /* how long the answer took that told us, ms */

function setState(name, words) {
  $("state").dataset.state = name;
  text("state-text", words);
  $("wheel").classList.toggle("moving", name === "live");
}

function note(words) {
  $("note").hidden = !words;
  text("note", words || "");
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/v1/ws`, "tidemill.v1.json");
  listening.socket = socket;
  socket.onopen = () => {
    listening.asked.clear();
    for (const channel of listening.channels) subscribe(channel);
  };
  socket.onmessage = (m) => {
    if (socket === listening.socket) receive(JSON.parse(m.data));
  };
  socket.onclose = (e) => {
    if (socket !== listening.socket) return;
    const wait = PAUSE_MS[Math.min(listening.tries, PAUSE_MS.length - 1)];
    listening.tries += 1;
    const why = e.code === 4008 ? "too slow for this stream; " : "";
    setState("away", `${why}reconnecting`);
    setTimeout(connect, wait / 2 + Math.random() * wait);
  };
}

function subscribe(channel) {
  const id = listening.nextId++;
  const request = { id, op: "subscribe", channel, snapshot: true };
  if (listening.cursor) request.cursor = listening.cursor;
  listening.asked.set(id, channel);
  listening.socket.send(JSON.stringify(request));
}

function receive(frame) {
  if ("id" in frame) answered(frame);
  if (Array.isArray(frame.snapshot)) {
    const known = frame.snapshot.slice().sort((a, b) => a.accepted_at - b.accepted_at);
    for (const r of known) take(r, false);
  }
  if (frame.events) for (const r of frame.events) take(r, true);
  if (frame.cursor) listening.cursor = frame.cursor;
}

function answered(frame) {
  const channel = listening.asked.get(frame.id);
  listening.asked.delete(frame.id);
  if (frame.error) {
    if (frame.error.code === "token_required") {
      listening.closed = true;
      note("This gateway does not show everybody's transactions. Follow an account or a transaction above.");
      setState("paused", "waiting for you");
    } else {
      note(`${channel || ""} ${frame.error.message}`);
    }
    return;
  }
  if (frame.recovered === false && listening.tries > 0 && listening.cursor)
    note("The connection was away for longer than can be caught up: what came meanwhile is not shown.");
  listening.tries = 0;
  if (!paused) setState("live", listening.channels[0] === "transactions" ? "live" : "following");
}

function take(r, live) {
  const key = `${r.id} ${r.type}`;
  if (seen.has(key)) return;
  if (seen.size > 4000) seen = new Set([...seen].slice(-2000));
  seen.add(key);
  if (r.chain) chains.add(r.chain);
  const took = live ? Math.max(0, Date.now() + clockOff - r.accepted_at) : null;
  if (live) {
    tick();
    seconds[SECONDS - 1] += 1;
    delays.push(took);
    if (delays.length > DELAYS_MAX) delays.shift();
  }
  waiting.push({ r, took });
  if (waiting.length > ROWS_MAX) waiting.shift();
  if (paused || held) skipped += 1;
}

/* Moves the minute on. */
function tick() {
  const now = Math.floor(Date.now() / 1000);
  for (let n = Math.min(now - secondNow, SECONDS); n > 0; n--) {
    seconds.shift();
    seconds.push(0);
  }
  secondNow = now;
}

/* ---- the table ---- */

const template = $("row").content.firstElementChild;
const shownRows = new WeakMap();

function short(hex, head, tail) {
  return hex.length <= head + tail + 1 ? hex : `${hex.slice(0, head)}…${hex.slice(-tail)}`;
}

function isSolana(r) {
  return Boolean(r.chain) && r.chain.startsWith("solana:");
}

/* An account as its people write it. */
function party(r, hex) {
  if (hex === null || !isSolana(r)) return hex;
  const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  const zeros = /^(00)*/.exec(hex.slice(2))[0].length / 2;
  let said = "";
  for (let n = BigInt(hex); n > 0n; n /= 58n) said = digits[Number(n % 58n)] + said;
  return "1".repeat(zeros) + said;
}

/* Who is paid: of a signed payment a text, as its signer wrote it, but for what
 * would turn its direction and so show somebody else. */
function recipient(r) {
  if (r.recipient === null || r.chain !== "jws") return party(r, r.recipient);
  const pairs = r.recipient.slice(2).match(/../g);
  const text = new TextDecoder().decode(Uint8Array.from(pairs, pair => parseInt(pair, 16)));
  return text.replace(/[\u0080-\u009f\u202a-\u202e\u2066-\u2069]/g, "?");
}

/* The smallest unit's digits as a number a person can read, never rounded up:
 * ["1,845.3042…", "ETH"], ["270.55…", "gwei"], ["183", "wei"]. */
function amountText(r) {
  if (r.amount === null) return ["", ""];
  const units = BigInt(r.amount);
  if (isSolana(r) && units >= 10n ** 6n) return [fraction(units, 9, 5), "SOL"];
  if (isSolana(r)) return [whole.format(units), units > 0n ? "lamports" : ""];
  if (!r.chain || !r.chain.startsWith("eip155:")) return [whole.format(units), ""];
  const main = r.chain === "eip155:1";
  if (units > 0n && units < 10n ** 6n) return [whole.format(units), "wei"];
  if (units > 0n && units < 10n ** 14n) return [fraction(units, 9, 3), "gwei"];
  return [fraction(units, 18, 5), main ? "ETH" : ""];
}

function fraction(units, digits, keep) {
  const one = 10n ** BigInt(digits);
  const rest = (units % one).toString().padStart(digits, "0").replace(/0+$/, "");
  const before = whole.format(units / one);
  if (rest === "") return before;
  return `${before}.${rest.slice(0, keep)}${rest.length > keep ? "…" : ""}`;
}

function ageText(ms) {
  const s = Math.max(0, Math.floor((Date.now() + clockOff - ms) / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

const verdicts = { verified: "verified", duplicate: "repeat", quarantined: "quarantined" };

function makeRow({ r, took }) {
  const row = template.cloneNode(true);
  const cell = row.cells;
  row.dataset.type = r.type;
  const chip = cell[0].firstElementChild;
  chip.textContent = r.type === "rejected" ? (r.reason || "rejected").replaceAll("_", " ") : verdicts[r.type] || r.type;
  chip.title = r.type === "rejected" ? `rejected: ${r.reason}` : r.type;
  fill(cell[1], r.hash || r.payload_sha256, 10, 6, r.hash ? r.hash : "no id: SHA-256 of the payload");
  const creates = r.type !== "rejected" && r.sender && r.chain && r.chain.startsWith("eip155:");
  fill(cell[2], party(r, r.sender), 8, 4, party(r, r.sender));
  fill(cell[3], recipient(r), 8, 4, recipient(r), creates ? "new contract" : "–");
  const [amount, unit] = amountText(r);
  cell[4].textContent = amount;
  if (unit) {
    const small = document.createElement("small");
    small.textContent = ` ${unit}`;
    cell[4].append(small);
  }
  if (r.amount !== null) cell[4].title = `${r.amount} of the smallest unit`;
  cell[5].textContent = ageText(r.accepted_at);
  cell[5].title = new Date(r.accepted_at).toISOString();
  cell[6].textContent = took === null ? "" : `${whole.format(Math.round(took))} ms`;
  cell[6].title = "from acceptance to this page";
  shownRows.set(row, r);
  return row;
}

function fill(cell, hex, head, tail, title, none) {
  const code = cell.firstElementChild;
  if (hex) {
    code.textContent = short(hex, head, tail);
    cell.title = title || hex;
  } else {
    cell.classList.add("none");
    cell.textContent = none || "–";
  }
}

function draw() {
  const rows = $("rows");
  if (waiting.length > 0 && !paused && !held) {
    skipped = 0;
    const part = document.createDocumentFragment();
    for (let i = waiting.length - 1; i >= 0; i--) {
      const row = makeRow(waiting[i]);
      if (waiting[i].took !== null && waiting.length <= 6) row.classList.add("new");
      part.append(row);
    }
    waiting = [];
    rows.prepend(part);
    while (rows.rows.length > ROWS_MAX) rows.deleteRow(-1);
  }
  $("empty").hidden = rows.rows.length > 0;
  const pill = (paused || held) && skipped > 0;
  $("fresh").classList.toggle("shown", pill);
  if (pill) text("fresh", `${whole.format(skipped)} new`);
}

function drawAges() {
  for (const row of $("rows").rows) {
    const age = ageText(shownRows.get(row).accepted_at);
    if (row.cells[5].textContent !== age) row.cells[5].textContent = age;
  }
}

function quantile(share) {
  const sorted = delays.slice().sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function drawSpark(values) {
  const canvas = $("spark");
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (width === 0) return;
  if (canvas.width !== Math.round(width * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  const most = Math.max(1, ...values);
  const x = (i) => (i / (values.length - 1)) * width;
  const y = (v) => height - 2 - (v / most) * (height - 6);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.beginPath();
  values.forEach((v, i) => pen.lineTo(x(i), y(v)));
  const color = getComputedStyle(document.documentElement).getPropertyValue("--sea").trim();
  pen.strokeStyle = color;
  pen.lineWidth = 1.8;
  pen.lineJoin = "round";
  pen.stroke();
  pen.lineTo(width, height);
  pen.lineTo(0, height);
  pen.globalAlpha = 0.13;
  pen.fillStyle = color;
  pen.fill();
  pen.globalAlpha = 1;
}

/* ---- numbers ---- */

const rates = new Array(SECONDS).fill(0); /* of the server, when we hear less */

async function poll() {
  try {
    const began = Date.now();
    const answer = await fetch("/v1/stats", { cache: "no-store" });
    if (answer.ok) {
      const stats = await answer.json();
      tellTime(stats.now, began, Date.now());
      show(stats);
    }
  } catch (e) {
    /* The connection's state already says that nobody answers. */
  }
  setTimeout(poll, document.hidden ? 5 * STATS_MS : STATS_MS);
}

/* A slow answer tells the time badly: the quickest of late is believed. */
function tellTime(now, began, ended) {
  clockTrip += 1;
  if (ended - began > clockTrip) return;
  clockTrip = ended - began;
  clockOff = now - (began + ended) / 2;
}

function share(part, all) {
  if (all === 0) return "\u00a0";
  const percent = (100 * part) / all;
  return `${percent >= 10 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} % of all`;
}

function show(s) {
  const rows = s.rows || s.seen;
  const all = rows.verified + rows.rejected + rows.duplicate + rows.quarantined;
  rates.shift();
  rates.push(s.rate["1s"]);
  text("rate", whole.format(s.rate["1s"] >= 10 ? Math.round(s.rate["1s"]) : s.rate["1s"]));
  text("verified", whole.format(rows.verified));
  text("verified-share", share(rows.verified, all));
  text("rejected", whole.format(rows.rejected));
  text("rejected-share", share(rows.rejected, all));
  text("duplicates", whole.format(rows.duplicate));
  text("quarantined", rows.quarantined > 0 ? `${whole.format(rows.quarantined)} quarantined` : "\u00a0");
  const p50 = delays.length ? quantile(0.5) : s.rate.delay_ms_p50;
  const p99 = delays.length ? quantile(0.99) : s.rate.delay_ms_p99;
  text("p50", p50 === null || p50 === undefined ? "–" : whole.format(Math.round(p50)));
  text("p99", p99 === null || p99 === undefined ? "\u00a0" : `p99 ${whole.format(Math.round(p99))} ms`);
  showBehind(s);
  showReasons(s.seen.reasons);
  showPartitions(s.partitions);
  showFacts(s);
}

function showBehind(s) {
  let open = 0, known = s.partitions.length > 0;
  for (const p of s.partitions) {
    if (p.accepted === null || p.position === null) known = false;
    else open += Math.max(0, p.accepted - p.position);
  }
  text("behind", s.behind_s === null ? "–" : s.behind_s === 0 ? "0 s" : `${s.behind_s.toFixed(1)} s`);
  text("waiting", known ? `${whole.format(open)} waiting` : "\u00a0");
}

function showReasons(reasons) {
  const list = Object.entries(reasons).sort((a, b) => b[1] - a[1]).slice(0, 8);
  const most = list.length ? list[0][1] : 1;
  const items = list.map(([name, count]) => {
    const item = document.createElement("li");
    const label = document.createElement("span");
    const number = document.createElement("span");
    const track = document.createElement("span");
    const filled = document.createElement("span");
    label.textContent = name.replaceAll("_", " ");
    number.textContent = whole.format(count);
    track.className = "track";
    filled.className = "fill";
    filled.style.width = `${Math.max(2, (100 * count) / most)}%`;
    track.append(filled);
    item.append(label, number, track);
    return item;
  });
  if (items.length) $("reasons").replaceChildren(...items);
}

function showPartitions(partitions) {
  const cell = (value, late) => {
    const td = document.createElement("td");
    td.className = late ? "number late" : "number";
    td.textContent = value === null ? "–" : whole.format(value);
    return td;
  };
  $("partitions").replaceChildren(...partitions.map((p) => {
    const tr = document.createElement("tr");
    const id = document.createElement("td");
    id.textContent = p.partition;
    const late = p.accepted !== null && p.position !== null && p.accepted - p.position > 1000;
    tr.append(id, cell(p.accepted, false), cell(p.position, late), cell(p.announced, false));
    return tr;
  }));
}

function showFacts(s) {
  const facts = [
    ["listeners", whole.format(s.clients), false],
    ["Redis", s.redis ? "connected" : "away", !s.redis],
    ["results come from", s.reading_topic ? "the topic" : "Redis", s.reading_topic],
    ["database", s.database ? "connected" : "away", !s.database],
    ["last 10 s", `${whole.format(s.rate["10s"])} / s`, false],
    ["last minute", `${whole.format(s.rate["60s"])} / s`, false],
  ];
  if (s.rows) facts.push(["leaves kept", whole.format(s.rows.leaves), false]);
  fields($("facts"), facts);
}

function fields(list, facts) {
  list.replaceChildren(...facts.flatMap(([name, value, off]) => {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = value;
    if (off) dd.className = "off";
    return [dt, dd];
  }));
}

/* ---- one transaction ---- */

async function openDetail(r) {
  const facts = Object.entries(r)
    .filter(([k, v]) => v !== null && k !== "accepted_at")
    .map(([k, v]) => [k === "id" ? "record" : k.replaceAll("_", " "), String(v)]);
  text("detail-title", r.type === "rejected" ? `Rejected: ${(r.reason || "").replaceAll("_", " ")}` : r.hash ? short(r.hash, 14, 10) : `Record ${r.id}`);
  timeline([["accepted", r.accepted_at], [verdicts[r.type] || r.type, null]], r.type !== "verified" && r.type !== "duplicate");
  fields($("fields"), facts);
  if (!$("detail").open) $("detail").showModal();
  if (!r.hash || !r.chain) return;
  try {
    const answer = await fetch(`/v1/transactions/${encodeURIComponent(r.chain)}/${r.hash}`);
    if (!answer.ok) return;
    const row = await answer.json();
    if (row.timeline) timeline(row.timeline.map((t) => [t.state, t.at]), false);
    const more = ["nonce", "signature", "payload"].filter((k) => row[k] !== undefined && row[k] !== null);
    fields($("fields"), facts.concat(more.map((k) => [k, String(row[k])])));
  } catch (e) {
    /* What was announced is shown; the rest is only more. */
  }
}

function timeline(steps, bad) {
  $("timeline").replaceChildren(...steps.map(([name, at], i) => {
    const item = document.createElement("li");
    const when = document.createElement("span");
    item.textContent = name;
    if (bad && i === steps.length - 1) item.className = "bad";
    when.textContent = at ? new Date(at).toISOString().replace("T", " ").replace("Z", "") : "\u00a0";
    item.append(when);
    return item;
  }));
}

/* ---- what people do ---- */

function follow(wanted) {
  const hex = wanted.trim().toLowerCase();
  const named = /^([a-z0-9]{3,8}:[-_a-z0-9]{1,32}):(0x[0-9a-f]{64})$/i.exec(wanted.trim());
  if (named) return [`transaction:${named[1]}:${named[2].toLowerCase()}`];
  if (/^0x[0-9a-f]{64}$/.test(hex)) {
    const of = [...chains].slice(0, 8).map((c) => `transaction:${c}:${hex}`);
    return of.concat(`account:${hex}`);
  }
  /* A key of Solana: the gateway knows its hex. */
  if (/^[1-9A-HJ-NP-Za-km-z]{32,44}$/.test(wanted.trim())) return [`account:${wanted.trim()}`];
  return /^0x([0-9a-f]{2}){1,96}$/.test(hex) ? [`account:${hex}`] : null;
}

function listenTo(channels) {
  listening.channels = channels;
  listening.cursor = null;
  listening.tries = 0;
  waiting = [];
  skipped = 0;
  seen.clear();
  delays.length = 0;
  seconds.fill(0);
  $("rows").replaceChildren();
  note("");
  const old = listening.socket;
  connect();
  old.close();
}

$("filter").addEventListener("submit", (e) => {
  e.preventDefault();
  const wanted = $("wanted").value;
  if (wanted.trim() === "") return $("all").click();
  const channels = follow(wanted);
  $("wanted").setAttribute("aria-invalid", String(channels === null));
  if (channels === null) return note("An account or transaction is hex with 0x in front, such as 0x90f8bf6a…; of Solana also base58.");
  text("live-title", channels.some((c) => c.startsWith("transaction:")) ? "One transaction" : "One account");
  $("all").hidden = false;
  listenTo(channels);
});

$("all").addEventListener("click", () => {
  $("wanted").value = "";
  $("wanted").setAttribute("aria-invalid", "false");
  $("all").hidden = true;
  text("live-title", "Transactions");
  listenTo(["transactions"]);
});

function setPaused(yes) {
  paused = yes;
  skipped = yes ? skipped : 0;
  $("pause").setAttribute("aria-pressed", String(yes));
  text("pause", yes ? "Go on" : "Pause");
  setState(yes ? "paused" : "live", yes ? "paused" : "live");
  draw();
}

$("pause").addEventListener("click", () => setPaused(!paused));
$("fresh").addEventListener("click", () => {
  held = false;
  setPaused(false);
});
$("rows").addEventListener("pointerenter", (e) => {
  held = e.pointerType === "mouse";
});
$("rows").addEventListener("pointerleave", () => {
  held = false;
});

$("rows").addEventListener("click", (e) => {
  const row = e.target.closest("tr");
  if (row && String(getSelection()) === "") openDetail(shownRows.get(row));
});
$("rows").addEventListener("keydown", (e) => {
  const row = e.target.closest("tr");
  if (row && (e.key === "Enter" || e.key === " ")) {
    e.preventDefault();
    openDetail(shownRows.get(row));
  }
});

setInterval(draw, DRAW_MS);
setInterval(() => {
  tick();
  const all = listening.channels[0] === "transactions" && !listening.closed;
  drawAges();
  drawSpark(all ? seconds.slice(0, -1) : rates);
}, 1000);
connect();
poll();
