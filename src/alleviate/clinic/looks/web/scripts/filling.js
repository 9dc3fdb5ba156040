// Filling in a questionnaire, one question after the other, also where the network comes and goes.
//
// Each choice is kept on the phone (IndexedDB) until the clinic has it, and no longer: what the clinic has taken is
// deleted here at once, and what was never sent after two weeks. A choice has a word of its own (`once`), so that one
// that is sent twice is stored once. It is not encrypted: a key on the same phone would guard it from nobody.
// Without this script the same page is one form that is sent as a whole.

const DATABASE = "alleviate-answers";
const WEEKS_2 = 14 * 24 * 60 * 60 * 1000;
const AGAIN = 10_000;

const form = document.querySelector("form[data-fill]");
if (form) start(form).catch((error) => { console.error(error); plain(form); });

async function start(form) {
  const database = await opened();
  const page = new Page(form, new Kept(database, form.dataset.fill));
  await page.restore();
  page.show(page.firstOpen(), true);
  page.flush();
}

// Nothing works here (no storage, an old browser): the form as it came.
function plain(form) {
  for (const each of form.querySelectorAll("[data-question], [data-section]")) each.hidden = false;
}

function opened() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("answers", { keyPath: "once" });
      asked.result.createObjectStore("finished", { keyPath: "invitation" });
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

// What this phone holds of one invitation and the clinic does not have yet.
class Kept {
  constructor(database, invitation) { Object.assign(this, { database, invitation }); }

  run(store, mode, work) {
    return new Promise((done, failed) => {
      const turn = this.database.transaction(store, mode);
      const asked = work(turn.objectStore(store));
      turn.oncomplete = () => done(asked?.result);
      turn.onerror = turn.onabort = () => failed(turn.error);
    });
  }

  async answers() {
    const all = await this.run("answers", "readonly", (store) => store.getAll());
    const old = all.filter((each) => each.kept < Date.now() - WEEKS_2);
    if (old.length) await this.forget(old.map((each) => each.once));
    return all.filter((each) => each.invitation === this.invitation && !old.includes(each))
      .sort((one, other) => one.made - other.made);
  }

  add(answer) {
    return this.run("answers", "readwrite",
      (store) => store.put({ ...answer, invitation: this.invitation, kept: Date.now() }));
  }

  forget(words) {
    return this.run("answers", "readwrite", (store) => { for (const once of words) store.delete(once); });
  }

  finished() { return this.run("finished", "readonly", (store) => store.get(this.invitation)); }

  finish() { return this.run("finished", "readwrite", (store) => store.put({ invitation: this.invitation })); }

  unfinish() { return this.run("finished", "readwrite", (store) => store.delete(this.invitation)); }
}

class Page {
  constructor(form, kept) {
    this.form = form;
    this.kept = kept;
    this.questions = [...form.querySelectorAll("[data-question]")];
    this.danger = JSON.parse(form.dataset.danger);
    this.ahead = Number(form.dataset.now) - Date.now(); // so that all devices count from the clinic's clock
    this.latest = 0;
    this.turn = Promise.resolve();
    for (const each of document.querySelectorAll("[data-fill-plain]")) each.hidden = true;
    this.part("steps").hidden = false;
    form.addEventListener("change", (event) => this.chosen(event.target));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.next(); });
    this.part("next").addEventListener("click", () => this.next());
    this.part("back").addEventListener("click", () => history.back());
    this.part("send").addEventListener("click", () => this.send());
    window.addEventListener("popstate", (event) => this.show(event.state?.step ?? 0));
    window.addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.flush(); });
    setInterval(() => this.flush(), AGAIN);
  }

  part(name) { return this.form.querySelector(`[data-fill-${name}]`); }

  say(name) { this.part("status").textContent = name ? this.form.dataset[`said${name[0].toUpperCase()}${name.slice(1)}`] : ""; }

  // What was chosen here before and has not been sent stands before what the clinic knows.
  async restore() {
    for (const { key, value } of await this.kept.answers()) {
      const field = this.form.elements.namedItem(`a.${key}`);
      for (const each of field ? (field.length === undefined ? [field] : field) : []) each.checked = Number(each.value) === value;
    }
  }

  answered(question) { return question.querySelector("input:checked"); }

  firstOpen() {
    const place = this.questions.findIndex((question) => !this.answered(question));
    return place < 0 ? 0 : place;
  }

  show(step, first = false) {
    const total = this.questions.length;
    this.step = Math.min(step, total);
    if (first) history.replaceState({ step: this.step }, "");
    const looking = this.step === total;
    this.questions.forEach((question, place) => { question.hidden = place !== this.step; });
    for (const section of this.form.querySelectorAll("[data-section]")) {
      section.hidden = !section.querySelector("[data-question]:not([hidden])");
    }
    this.part("review").hidden = !looking;
    this.part("next").hidden = looking;
    this.part("back").hidden = this.step === 0;
    const intro = document.querySelector("[data-fill-intro]");
    if (intro) intro.hidden = this.step > 0;
    const words = this.form.dataset.saidStep.replace("{number}", this.step + 1).replace("{of}", total);
    this.part("step").hidden = looking;
    this.part("step").textContent = words;
    if (looking) this.list();
    if (!first) {
      const heading = looking ? this.part("review").querySelector("h2") : this.questions[this.step].querySelector("legend");
      heading.tabIndex = -1;
      heading.focus();
    }
  }

  async next() {
    if (this.step + 1 === this.questions.length) {
      await this.flush();
      if (this.up !== false && navigator.onLine && !(await this.kept.answers()).length) { location.assign(this.form.dataset.review); return; }
    }
    history.pushState({ step: this.step + 1 }, "");
    this.show(this.step + 1);
  }

  list() {
    const rows = this.questions.map((question) => {
      const row = document.createElement("div");
      row.className = "nhsuk-summary-list__row";
      const words = document.createElement("dt");
      words.className = "nhsuk-summary-list__key";
      words.textContent = question.querySelector("legend").textContent.trim();
      const said = document.createElement("dd");
      said.className = "nhsuk-summary-list__value";
      const chosen = this.answered(question);
      said.textContent = chosen ? this.form.querySelector(`label[for="${CSS.escape(chosen.id)}"]`).textContent.trim() : this.form.dataset.saidNone;
      row.append(words, said);
      return row;
    });
    this.part("answers").replaceChildren(...rows);
  }

  async chosen(field) {
    if (!field.name?.startsWith("a.")) return;
    const key = field.name.slice(2);
    const value = Number(field.value);
    this.latest = Math.max(this.latest + 1, Math.round(Date.now() + this.ahead));
    await this.kept.add({ once: crypto.randomUUID(), key, value, made: this.latest });
    this.say("saving");
    await this.flush();
    if (!(key in this.danger) || value < this.danger[key]) return;
    if ((await this.kept.answers()).some((each) => each.key === key)) {
      this.part("danger").hidden = false; // nobody knows of it yet: help must not wait for the network
      this.part("danger").focus();
    }
  }

  async send() {
    await this.kept.finish();
    this.say("sending");
    await this.flush();
  }

  // One at a time: what one run left, the next takes.
  flush() {
    this.turn = this.turn.then(() => this.sendKept()).catch((error) => console.error(error));
    return this.turn;
  }

  async sendKept() {
    const answers = await this.kept.answers();
    const finished = await this.kept.finished();
    if (!answers.length && !finished) return;
    let told = null;
    if (answers.length) {
      const saves = answers.map(({ key, value, made, once }) => ({ key, value, made, once }));
      told = await this.post("answers", { saves });
      if (!told) { this.say(this.problem(finished)); return; }
      await this.kept.forget(saves.map((each) => each.once));
      this.say("saved");
      if ((told.danger || !told.kept) && !finished) { location.assign(told.next); return; }
    }
    if (finished) {
      told = await this.post("send", {});
      if (!told) { this.say(this.problem(finished)); return; }
      await this.kept.unfinish();
      location.assign(told.next);
    }
  }

  problem(finished) {
    if (this.up === null) return "out";
    if (this.up) return "refused";
    return finished ? "sending" : "kept";
  }

  // The answer, or null; `up` says whether the clinic was reached (null: it was, and nobody is signed in any more).
  async post(what, body) {
    try {
      const answer = await fetch(`/api/v1/mine/questionnaires/${this.form.dataset.fill}/${what}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": this.form.dataset.csrf },
        body: JSON.stringify(body),
      });
      this.up = answer.status === 401 || answer.status === 403 ? null : answer.status < 500;
      return answer.ok ? await answer.json() : null;
    } catch {
      this.up = false;
      return null;
    }
  }
}
