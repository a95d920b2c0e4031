// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const number = value => value.toLocaleString("en");
const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

const dayLength = 24 * 60;
const firstDay = data.days ? Date.parse(data.from + "T00:00:00Z") : 0;
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const dateOf = day => new Date(firstDay + day * 86400000);
const dateText = day => dateOf(day).toISOString().slice(0, 10);

const stateNames = {
    S: "scheduled",
    M: "manual",
    R: "remote",
    U: "unknown mode",
    N: "none",
    P: "none yet when asked",
    X: "query failed",
    ".": "not asked",
};
// In the order of the program's job_mode.
const modeNames = ["no backup", "started remotely", "started by hand", "scheduled", "unknown mode"];

// --- What is known of each user ---

// What the model says, from the best to the worst, and what counts as a backup for it.
const verdicts = ["-", "g", "p", "u", "r", "s"];
const verdictNames = { "-": "not judged under this name", g: "good", p: "not due yet", u: "unknown", r: "removed", s: "silent" };
const good = data.require === "scheduled" ? "S" : "SMRU";
const kind = data.require === "scheduled" ? "scheduled backup" : "backup";
const asOf = Math.round((Date.parse(data.asOf + "T00:00:00Z") - firstDay) / 86400000);

for (const user of data.users) {
    user.counts = { S: 0, M: 0, R: 0, U: 0, N: 0, P: 0, X: 0, ".": 0 };
    for (const state of user.c) ++user.counts[state];
    user.good = [...good].reduce((sum, state) => sum + user.counts[state], 0);
    user.gaps = [..."NSMRU"].reduce((sum, state) => sum + user.counts[state], 0) - user.good;
    user.sets = user.k.map(([name, verdict, missed, last, due, detail], index) => ({
        user,
        index,
        name: name === null ? (verdict === "r" ? "removed" : "no backup set known") : typeof name === "number" ? data.sets[name] || "unnamed backup set" : name,
        verdict,
        missed,
        last,
        due,
        detail,
    }));
    // A user is as bad as the worst of its sets, and the longest silent one tells since when.
    user.verdict = verdicts[Math.max(0, ...user.sets.map(set => verdicts.indexOf(set.verdict)))];
    const worst = user.sets.filter(set => set.verdict === user.verdict);
    user.missed = Math.max(0, ...worst.map(set => set.missed));
    user.last = worst.some(set => set.last === null) ? null : Math.min(...worst.map(set => set.last));
    user.lower = user.n.toLowerCase();
}

function jobsOn(line, day) {
    const { j } = line.user || line;
    const found = [];
    let at = 0;
    for (let index = 0; index < j.length; index += 5) {
        at += j[index];
        if (at > day) break;
        const [, mode, set, start, minutes] = j.slice(index, index + 5);
        if (at === day && (!line.user || set === line.index)) found.push({ mode, set, start, minutes });
    }
    return found;
}

// A set's days: what its own jobs say, and where it has none, what is known of the user's answer.
function cellsOf(set) {
    const { user } = set;
    const states = [...user.c].map(state => (state === "P" || state === "X" || state === "." ? state : "N"));
    const letters = ["N", "R", "M", "S", "U"];
    const weight = state => " URMS".indexOf(state);
    let at = 0;
    for (let index = 0; index < user.j.length; index += 5) {
        at += user.j[index];
        const state = letters[user.j[index + 1]];
        if (user.j[index + 2] === set.index && state !== "N" && weight(state) > weight(states[at])) states[at] = state;
    }
    return states.join("");
}

function failuresOn(line, day) {
    const user = line.user || line;
    const found = [];
    for (let index = 0; user.f && index < user.f.length; index += 2)
        if (user.f[index] === day) found.push(data.reasons[user.f[index + 1]]);
    return found;
}

function clock(day, minutes) {
    const offset = Math.floor(minutes / dayLength);
    const rest = minutes - offset * dayLength;
    const text = `${String(Math.floor(rest / 60)).padStart(2, "0")}:${String(rest % 60).padStart(2, "0")}`;
    return offset === 0 ? text : `${dateText(day + offset)} ${text}`;
}

function lines(line, day) {
    const { sets } = line.user || line;
    const found = jobsOn(line, day).map(job => {
        let when = "at a time unknown";
        if (job.start !== null) when = clock(day, job.start);
        if (job.start !== null && job.minutes !== null) when += `–${clock(day, job.start + job.minutes)}`;
        return `${when} ${sets[job.set]?.name || "unnamed backup set"}, ${modeNames[job.mode]}`;
    });
    for (const reason of failuresOn(line, day)) found.push(`Query failed${reason ? ": " + reason : ""}`);
    return found;
}

const dayTitle = day => `${weekdays[dateOf(day).getUTCDay()]} ${dateText(day)}`;

// --- Marks: each state has a shape of its own, so that it is told apart without colour ---

function marks(states, first, last, width, height) {
    const paths = { weekend: "", S: "", M: "", R: "", U: "", N: "", P: "", X: "", dot: "" };
    const letters = { M: [], R: [], U: [] };
    let bars = "";
    let crosses = "";
    const inner = width - 1.5;
    const top = 1.5;
    const tall = height - 3;
    const middle = height / 2;
    for (let day = first; day < last; ++day) {
        const x = (day - first) * width;
        const weekday = dateOf(day).getUTCDay();
        if (weekday === 0 || weekday === 6) paths.weekend += `M${x} 0h${width}v${height}h-${width}z`;
        const state = states[day];
        if (state === ".") {
            paths.dot += `M${x + width / 2 - 1} ${middle - 1}h2v2h-2z`;
            continue;
        }
        const outlined = state === "X" || state === "U" || state === "P" ? 0.5 : 0;
        const side = inner - 2 * outlined;
        paths[state] += `M${x + 0.75 + outlined} ${top + outlined}h${side}v${tall - 2 * outlined}h-${side}z`;
        if (state === "N") bars += `M${x + width * 0.28} ${middle}h${width * 0.44}`;
        if (state === "X") {
            const arm = Math.min(width, height) * 0.22;
            const center = x + width / 2;
            crosses += `M${center - arm} ${middle - arm}l${2 * arm} ${2 * arm}m0 -${2 * arm}l-${2 * arm} ${2 * arm}`;
        }
        if (letters[state]) letters[state].push(x + width / 2);
    }
    let inside = "";
    for (const [name, path] of Object.entries(paths)) if (path) inside += `<path class="${name}" d="${path}"/>`;
    if (bars) inside += `<path class="N-mark" d="${bars}"/>`;
    if (crosses) inside += `<path class="X-mark" d="${crosses}"/>`;
    const size = Math.min(width + 1, height - 3, 12);
    for (const [state, places] of Object.entries(letters))
        if (places.length)
            inside +=
                `<text class="letter" style="font-size:${size}px" y="${middle + size * 0.36}" x="${places.join(" ")}">` +
                `${(state === "U" ? "?" : state).repeat(places.length)}</text>`;
    return `<svg aria-hidden="true" width="${width * (last - first)}" height="${height}">${inside}</svg>`;
}

const shares = [];
for (let day = 0; day < data.days; ++day) {
    let asked = 0;
    let backedUp = 0;
    for (const user of data.users) {
        asked += !"XP.".includes(user.c[day]);
        backedUp += good.includes(user.c[day]);
    }
    shares.push(asked ? backedUp / asked : 0);
}

function calendar(first, last, width) {
    const wide = width * (last - first);
    let inside = `<path class="rule" d="M0 18.5h${wide}"/>`;
    let bars = "";
    let nextMonth = -1;
    for (let day = first; day < last; ++day) {
        const x = (day - first) * width;
        const tall = Math.round(shares[day] * 16);
        bars += `M${x + 0.75} 18h${width - 1.5}v-${tall}h-${width - 1.5}z`;
        const date = dateOf(day);
        const ofMonth = date.getUTCDate();
        if ((ofMonth === 1 || day === first) && x >= nextMonth) {
            const left = last - day < 60 / width ? Math.max(0, wide - 58) : x + 1;
            if (left >= nextMonth) {
                inside += `<text x="${left}" y="31">${months[date.getUTCMonth()]} ${date.getUTCFullYear()}</text>`;
                nextMonth = left + 62;
            }
        }
        if (width >= 15 || date.getUTCDay() === 1)
            inside += `<text class="day" x="${x + width / 2}" y="43">${ofMonth}</text>`;
    }
    return `<svg aria-hidden="true" width="${wide}" height="46">${inside}<path class="bar" d="${bars}"/></svg>`;
}

// --- The head of the page ---

const total = state => data.users.reduce((sum, user) => sum + user.counts[state], 0);

function figure(value, title, bad) {
    const group = document.createElement("div");
    if (bad) group.className = "bad";
    const term = document.createElement("dt");
    const figureText = document.createElement("dd");
    term.textContent = title;
    figureText.textContent = value;
    group.append(term, figureText);
    byId("figures").append(group);
}

const cells = data.users.reduce((sum, user) => sum + user.gaps + user.good, 0);
const gaps = data.users.reduce((sum, user) => sum + user.gaps, 0);
const jobs = data.users.reduce((sum, user) => sum + user.j.length / 5, 0);
const named = data.servers.filter(name => name);
byId("scope").replaceChildren(
    data.days ? `${dateText(0)} to ${dateText(data.days - 1)}` : "No days",
    " · ",
    ...(named.length ? listed(named, ", ", name => [isolated(name)]) : ["no server named"]),
    ` · made ${data.made}`,
);
figure(number(data.users.length), data.users.length === 1 ? "user" : "users");
figure(number(data.days), data.days === 1 ? "day" : "days");
figure(number(jobs), jobs === 1 ? "record" : "records");
figure(cells ? `${Math.floor((100 * (cells - gaps)) / cells)} %` : "–", `of days with a ${kind}`);
figure(number(total("N")), "days without any backup", total("N") > 0);
figure(number(total("X")), "days whose query failed", total("X") > 0);

for (const state of Object.keys(stateNames)) {
    if ((state === "U" || state === "P" || state === ".") && !total(state)) continue;
    const entry = document.createElement("li");
    entry.innerHTML = marks([state], 0, 1, 16, 20).replace(/<path class="weekend"[^>]*>/, "");
    entry.append(stateNames[state]);
    byId("legend").append(entry);
}

if (data.servers.length > 1) {
    byId("server-label").hidden = false;
    byId("server").add(new Option("All", ""));
    data.servers.forEach((name, index) => byId("server").add(new Option(name || "(none)", String(index))));
}

// --- Which users, in which order ---

let leastMissed = data.missed;
// The rows: users, and below those that are open, their backup sets.
let shown = [];
let kept = [];
const opened = new Set();
let active = { row: 0, day: Math.max(0, data.days - 1) };

const isSilent = line => line.verdict === "s" && line.missed >= leastMissed;
const rank = line => (isSilent(line) ? verdicts.length : line.verdict === "s" ? 1 : verdicts.indexOf(line.verdict));
const byName = (left, right) => (left.lower < right.lower ? -1 : left.lower > right.lower ? 1 : left.s - right.s);
const orders = {
    worst: (left, right) =>
        rank(right) - rank(left) || right.missed - left.missed || right.gaps - left.gaps || byName(left, right),
    gaps: (left, right) => right.gaps - left.gaps || byName(left, right),
    failed: (left, right) => right.counts.X - left.counts.X || right.gaps - left.gaps || byName(left, right),
    name: byName,
};

function sinceText(line) {
    if (line.verdict === "u") return "?";
    if (line.verdict === "-" || line.verdict === "r") return "–";
    return line.last === null ? "never" : String(asOf - line.last);
}
const nameText = line => {
    if (line.user) return `${nameText(line.user)}, ${line.name}`;
    return data.servers.length > 1 ? `${line.n} (${data.servers[line.s] || "no server"})` : line.n;
};
const cellsOfLine = line => (line.c ??= cellsOf(line));

function verdictText(line) {
    const parts = [verdictNames[line.verdict]];
    if (line.missed) parts.push(`${plural(line.missed, "expected day", "expected days")} missing`);
    if (line.last !== null) parts.push(`last ${dateText(line.last)}`);
    if (line.user && line.due !== null) parts.push(`due ${dateText(line.due)}`);
    if (line.detail) parts.push(line.detail);
    return parts.join(", ");
}
// The nodes of each thing, with a separator between two things.
function listed(things, separator, nodesOf) {
    return things.flatMap((thing, index) => (index ? [separator, ...nodesOf(thing)] : nodesOf(thing)));
}

// Texts from elsewhere: whichever way they are written, what stands around them keeps its order.
function isolated(text) {
    const node = document.createElement("bdi");
    node.textContent = text;
    return node;
}
const nameNodes = line => {
    if (line.user) return [...nameNodes(line.user), ", ", isolated(line.name)];
    return data.servers.length > 1
        ? [isolated(line.n), " (", isolated(data.servers[line.s] || "no server"), ")"]
        : [isolated(line.n)];
};

function select() {
    const needle = byId("filter").value.trim().toLowerCase();
    const server = byId("server").value;
    const only = byId("only").checked;
    const at = shown[active.row];
    kept = data.users.filter(
        user => user.lower.includes(needle) && (!server || user.s === Number(server)) && (!only || isSilent(user)),
    );
    kept.sort(orders[byId("sort").value]);
    shown = kept.flatMap(user => (opened.has(user) ? [user, ...user.sets] : [user]));
    active.row = Math.max(0, shown.indexOf(at));
    byId("shown").textContent =
        kept.length === data.users.length
            ? plural(kept.length, "user", "users")
            : `${number(kept.length)} of ${plural(data.users.length, "user", "users")}`;
    byId("grid").setAttribute("aria-rowcount", String(shown.length + 1));
    drawn = null;
    draw();
}

function toggle(index) {
    const user = shown[index].user || shown[index];
    if (!opened.delete(user)) opened.add(user);
    active.row = shown.indexOf(user);
    select();
    moveTo(shown.indexOf(user), active.day);
}

// --- Who is silent ---

const alarmsAtFirst = 8;
let allAlarms = false;

function listAlarms() {
    const found = data.users.filter(isSilent).sort(orders.worst);
    byId("alarm").classList.toggle("some", found.length > 0);
    byId("alarm-count").textContent = found.length ? `${plural(found.length, "user is", "users are")}` : "No user is";
    byId("alarm-printed").textContent = `${number(leastMissed)} `;
    byId("alarm-unit").textContent = `expected ${leastMissed === 1 ? "day" : "days"} missing`;
    const entries = (allAlarms ? found : found.slice(0, alarmsAtFirst)).map(user => {
        const entry = document.createElement("li");
        const button = document.createElement("button");
        const name = document.createElement("span");
        const detail = document.createElement("small");
        const silent = user.sets.filter(isSilent);
        const of = user.sets.length > 1 ? `${silent.length} of ${user.sets.length} sets, ` : "";
        button.type = "button";
        button.title = nameText(user);
        name.append(...nameNodes(user));
        detail.textContent = of + (user.last === null ? "never ran" : `last ${dateText(user.last)}`);
        button.append(name, detail);
        button.addEventListener("click", () => goTo(user));
        entry.append(button);
        return entry;
    });
    byId("alarm-list").replaceChildren(...entries);
    const unknown = data.users.filter(user => user.verdict === "u").length;
    const pending = data.users.filter(user => user.verdict === "p").length;
    byId("as-of").textContent =
        `As of ${data.asOf}, by each set's own rhythm; ${data.require === "any" ? "any job that ran counts" : "scheduled jobs count"}` +
        `, outcomes not asked.${data.old ? " The newest complete answer is more than 36 hours old." : ""}` +
        (pending ? ` Of ${plural(pending, "user", "users")}, the backup that is due was not there yet when asked.` : "");
    byId("unknown").hidden = !unknown;
    byId("unknown").textContent =
        `${plural(unknown, "user is", "users are")} unknown: days of theirs that were not answered may have had the last backup.`;
    byId("alarm-more").hidden = found.length <= alarmsAtFirst;
    byId("alarm-more").textContent = allAlarms ? "Show fewer" : `Show all ${number(found.length)}`;
}

function goTo(user) {
    if (!shown.includes(user)) {
        byId("filter").value = "";
        byId("server").value = "";
        select();
    }
    byId("grid").focus({ preventScroll: true });
    moveTo(shown.indexOf(user), active.day);
}

// --- The grid: only the rows in sight are in the document ---

const rowHeight = 20;
const margin = 24;
const sinceWidth = 64;
const gapsWidth = 60;
const grid = byId("grid");
const body = grid.tBodies[0];
let cellWidth = 12;
let drawn = null;

const measure = document.createElement("canvas").getContext("2d");
const bodyStyle = getComputedStyle(document.body);
measure.font = `${bodyStyle.fontSize} ${bodyStyle.fontFamily}`;
const widest = data.users.reduce((width, user) => Math.max(width, measure.measureText(nameText(user)).width), 0);
const nameWidth = Math.ceil(Math.min(240, Math.max(90, widest + 26)));

function headCells(first, last, width) {
    const row = document.createElement("tr");
    row.innerHTML =
        `<th scope="col">User</th>` +
        `<th scope="col" class="number since" title="Days since the last ${kind}">Since</th>` +
        `<th scope="col" class="number gaps" title="Expected days that are missing">Missed</th>` +
        `<th scope="col" class="days"><span class="hidden">Days</span></th>`;
    row.lastChild.insertAdjacentHTML("beforeend", calendar(first, last, width));
    return row;
}

function lineRow(line, first, last, width, height) {
    const row = document.createElement("tr");
    row.className = `${isSilent(line) ? "bad" : ""} ${line.user ? "set" : ""}`.trim();
    row.innerHTML =
        `<th scope="row"></th><td class="number since">${sinceText(line)}</td><td class="number gaps">${line.missed}</td>` +
        `<td class="days" role="presentation">${marks(cellsOfLine(line), first, last, width, height)}</td>`;
    const name = row.firstChild;
    name.title = `${nameText(line)}: ${verdictText(line)}`;
    if (line.user) {
        name.append(isolated(line.name));
        return row;
    }
    const opener = document.createElement("button");
    opener.type = "button";
    opener.tabIndex = -1;
    opener.className = "opener";
    opener.setAttribute("aria-expanded", String(opened.has(line)));
    opener.append(isolated(line.n));
    name.append(opener);
    if (data.servers.length > 1) {
        const server = document.createElement("small");
        server.append(" ", isolated(data.servers[line.s]));
        name.append(server);
    }
    return row;
}

function layOut() {
    const beside = margin + nameWidth + sinceWidth + gapsWidth;
    const room = document.documentElement.clientWidth - beside - 2 * margin;
    cellWidth = Math.max(9, Math.min(22, Math.floor(room / Math.max(1, data.days))));
    const head = headCells(0, data.days, cellWidth);
    const widths = [margin + nameWidth, sinceWidth, gapsWidth, cellWidth * data.days + margin];
    widths.forEach((width, index) => {
        head.children[index].style.width = `${width}px`;
    });
    grid.style.width = `${widths.reduce((sum, width) => sum + width)}px`;
    grid.style.setProperty("--since-left", `${margin + nameWidth}px`);
    grid.style.setProperty("--gaps-left", `${margin + nameWidth + sinceWidth}px`);
    grid.tHead.replaceChildren(head);
    grid.setAttribute("aria-colcount", String(data.days + 3));
    drawn = null;
    draw();
}

function spacer(rows) {
    const row = document.createElement("tr");
    row.setAttribute("aria-hidden", "true");
    row.style.height = `${rows * rowHeight}px`;
    return row;
}

function emptyRow() {
    const row = document.createElement("tr");
    const cell = row.insertCell();
    cell.colSpan = 4;
    cell.className = "empty";
    cell.textContent = data.users.length ? "No user has such a name." : "There is no user to show.";
    return row;
}

function draw() {
    const above = -body.getBoundingClientRect().top;
    const inSight = Math.ceil(innerHeight / rowHeight);
    const first = Math.max(0, Math.min(shown.length - inSight, Math.floor(above / rowHeight)) - 15);
    const last = Math.min(shown.length, first + inSight + 30);
    if (drawn && drawn.first <= Math.max(0, first + 10) && drawn.last >= Math.min(shown.length, last - 10)) return;
    drawn = { first, last };
    const rows = [spacer(first)];
    for (let index = first; index < last; ++index) {
        const row = lineRow(shown[index], 0, data.days, cellWidth, rowHeight);
        row.setAttribute("aria-rowindex", String(index + 2));
        rows.push(row);
    }
    rows.push(shown.length ? spacer(shown.length - last) : emptyRow());
    body.replaceChildren(...rows);
    mark();
}

const rowOf = index => (drawn && index >= drawn.first && index < drawn.last ? body.rows[index - drawn.first + 1] : null);

// The cell that the keyboard is at is an element of its own, which assistive technology reads.
function mark() {
    const before = body.querySelector(".cell");
    before?.closest("tr").classList.remove("active");
    before?.remove();
    const row = rowOf(active.row);
    grid.removeAttribute("aria-activedescendant");
    if (!row || !data.days) return;
    const user = shown[active.row];
    const cell = document.createElement("span");
    cell.className = "cell";
    cell.id = `cell-${active.row}-${active.day}`;
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-colindex", String(active.day + 4));
    cell.setAttribute(
        "aria-label",
        [nameText(user), dayTitle(active.day), stateNames[cellsOfLine(user)[active.day]], ...lines(user, active.day)].join(", "),
    );
    cell.style.left = `${active.day * cellWidth - 1}px`;
    cell.style.width = `${cellWidth + 1.5}px`;
    row.cells[3].append(cell);
    row.classList.add("active");
    grid.setAttribute("aria-activedescendant", cell.id);
}

function moveTo(row, day) {
    if (!shown.length || !data.days) return;
    active = {
        row: Math.max(0, Math.min(shown.length - 1, row)),
        day: Math.max(0, Math.min(data.days - 1, day)),
    };
    const headHeight = grid.tHead.offsetHeight;
    const top = body.getBoundingClientRect().top + active.row * rowHeight;
    if (top < headHeight) scrollBy(0, top - headHeight - 2 * rowHeight);
    else if (top + rowHeight > innerHeight) scrollBy(0, top + 3 * rowHeight - innerHeight);
    draw();
    mark();
    const cell = body.querySelector(".cell");
    const box = cell.getBoundingClientRect();
    const left = margin + nameWidth + sinceWidth + gapsWidth;
    if (box.left < left) scrollBy(box.left - left - 40, 0);
    else if (box.right > document.documentElement.clientWidth) scrollBy(box.right - innerWidth + 60, 0);
    showTip(active.row, active.day);
    followsKeyboard = true;
}

grid.addEventListener("keydown", event => {
    if (event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(innerHeight / rowHeight) - 4);
    const { row, day } = active;
    const whole = event.ctrlKey;
    const moves = {
        ArrowLeft: [row, day - 1],
        ArrowRight: [row, day + 1],
        ArrowUp: [row - 1, day],
        ArrowDown: [row + 1, day],
        PageUp: [row - page, day],
        PageDown: [row + page, day],
        Home: [whole ? 0 : row, 0],
        End: [whole ? shown.length - 1 : row, data.days - 1],
    };
    if (event.key === "Enter" && shown.length) {
        event.preventDefault();
        toggle(active.row);
        return;
    }
    if (!moves[event.key]) return;
    event.preventDefault();
    moveTo(...moves[event.key]);
});
grid.addEventListener("focus", () => {
    if (grid.matches(":focus-visible")) moveTo(active.row, active.day);
});
grid.addEventListener("blur", hideTip);

// --- Details of a cell ---

const tip = byId("tip");
let followsKeyboard = false;

function showTip(rowIndex, day) {
    const row = rowOf(rowIndex);
    if (!row) {
        hideTip();
        return;
    }
    followsKeyboard = false;
    const user = shown[rowIndex];
    const name = document.createElement("strong");
    const when = document.createElement("span");
    const list = document.createElement("ul");
    name.append(...nameNodes(user));
    when.className = "when";
    when.textContent = `${dayTitle(day)}: ${stateNames[cellsOfLine(user)[day]]}`;
    for (const text of lines(user, day)) {
        const entry = document.createElement("li");
        entry.append(isolated(text));
        list.append(entry);
    }
    tip.replaceChildren(name, when);
    if (list.children.length) tip.append(list);
    tip.hidden = false;
    const box = row.cells[3].getBoundingClientRect();
    const x = box.left + (day + 0.5) * cellWidth;
    const wide = document.documentElement.clientWidth;
    tip.style.left = `${Math.max(4, Math.min(wide - tip.offsetWidth - 4, x - tip.offsetWidth / 2))}px`;
    const below = box.bottom + 6;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? box.top - tip.offsetHeight - 6 : below}px`;
}

function hideTip() {
    tip.hidden = true;
    followsKeyboard = false;
}

function cellAt(event) {
    const row = event.target.closest("#grid tbody tr");
    const strip = row?.cells[3];
    if (!strip) return null;
    const day = Math.floor((event.clientX - strip.getBoundingClientRect().left) / cellWidth);
    return day < 0 || day >= data.days ? null : { row: drawn.first + row.sectionRowIndex - 1, day };
}

grid.addEventListener("pointermove", event => {
    const at = cellAt(event);
    if (at) showTip(at.row, at.day);
    else hideTip();
});
grid.addEventListener("pointerleave", hideTip);
grid.addEventListener("click", event => {
    const row = event.target.closest("#grid tbody .opener")?.closest("tr");
    if (row) {
        toggle(drawn.first + row.sectionRowIndex - 1);
        grid.focus({ preventScroll: true });
        return;
    }
    const at = cellAt(event);
    if (at) moveTo(at.row, at.day);
});

// --- Controls ---

byId("alarm-missed").value = String(leastMissed);
byId("alarm-missed").addEventListener("input", event => {
    const value = event.target.valueAsNumber;
    if (!(value >= 1)) return;
    leastMissed = Math.floor(value);
    listAlarms();
    select();
});
byId("alarm-more").addEventListener("click", () => {
    allAlarms = !allAlarms;
    listAlarms();
    layOut();
});
byId("controls").addEventListener("input", select);
byId("controls").addEventListener("submit", event => event.preventDefault());
addEventListener("keydown", event => {
    if (event.key === "Escape") hideTip();
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.target.matches("input, select")) return;
    event.preventDefault();
    byId("filter").focus();
    byId("filter").select();
});

let pending = false;
addEventListener("scroll", () => {
    if (!followsKeyboard) hideTip();
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
        pending = false;
        draw();
        if (!followsKeyboard) return;
        // The keyboard's own scrolling moves its cell, and the details go along.
        showTip(active.row, active.day);
        followsKeyboard = !tip.hidden;
    });
});
addEventListener("resize", layOut);

// --- Print: every row that the filter leaves, a table for each stretch of days that a page is wide enough for ---

const printWidth = 1040;
const printDays = 92;

function preparePrint() {
    const room = printWidth - nameWidth * 0.75 - 90;
    const width = Math.max(7, Math.min(14, Math.floor(room / Math.min(printDays, Math.max(1, data.days)))));
    const tables = [];
    for (let first = 0; first < data.days; first += printDays) {
        const last = Math.min(data.days, first + printDays);
        const table = document.createElement("table");
        table.createTHead().append(headCells(first, last, width));
        table.createTBody().append(...shown.map(user => lineRow(user, first, last, width, 12)));
        tables.push(table);
    }
    const note = document.createElement("p");
    const needle = byId("filter").value.trim();
    const order = byId("sort").selectedOptions[0].text.toLowerCase();
    const filtered = needle ? [" with “", isolated(needle), "” in the name"] : [];
    note.append(byId("shown").textContent, ...filtered, `, sorted: ${order}`);
    byId("print").replaceChildren(note, ...tables);
    allAlarms = true;
    listAlarms();
}

addEventListener("beforeprint", preparePrint);
addEventListener("afterprint", () => {
    byId("print").replaceChildren();
    allAlarms = false;
    listAlarms();
});

byId("unseen").hidden = !data.unseen.length;
byId("unseen").replaceChildren(
    "Not seen, with all of their users: ",
    ...listed(data.unseen, "; ", ([name, reason]) => [isolated(name), " (", isolated(reason), ")"]),
);
listAlarms();
select();
layOut();
// Where not all days have room, the newest are seen first.
scrollTo({ left: document.documentElement.scrollWidth, behavior: "instant" });
