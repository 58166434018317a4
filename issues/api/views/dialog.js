// The dialog in which a visitor tells what happened. `options` come from the server as JSON; every
// text is set as text, never as HTML. All of it lives in a shadow tree with a style sheet of its
// own: the page's styles stay out, and a policy that forbids inline styles does not forbid it. Sizes
// are those of the visitor's browser, in em: a rem would be the page's.

const STYLE = `
:host { all: initial; color-scheme: light dark; }
dialog {
  --ground: #fff; --text: #1d1b26; --soft: #5d5a6b; --line: #8d8a9b; --accent: #4b3fbb;
  --on-accent: #fff; --fault: #b3152c;
  box-sizing: border-box; width: min(34em, calc(100vw - 2em)); max-width: none;
  max-height: calc(100dvh - 2em);
  margin: auto; padding: 1.75em; overflow: auto; border: 0; border-radius: 0.75em;
  background: var(--ground); color: var(--text); box-shadow: 0 1.25em 4em rgb(0 0 0 / 35%);
  font: medium/1.5 system-ui, sans-serif; overflow-wrap: anywhere; text-align: start;
}
@media (prefers-color-scheme: dark) {
  dialog {
    --ground: #211f2b; --text: #f3f1fa; --soft: #b9b5c9; --line: #7d7990; --accent: #a79dff;
    --on-accent: #17151f; --fault: #ff9aa8;
  }
}
@media (max-width: 480px) { dialog { padding: 1.25em; } }
dialog::backdrop { background: rgb(15 13 22 / 60%); }
h2 { margin: 0; font-size: 1.375em; line-height: 1.3; }
p { margin: 0.5em 0 0; color: var(--soft); }
form { display: grid; gap: 1em; margin: 1.25em 0 0; }
.people { display: grid; gap: 1em; grid-template-columns: repeat(auto-fit, minmax(13em, 1fr)); }
label { display: grid; gap: 0.25em; align-content: start; font-weight: 600; }
input, textarea {
  box-sizing: border-box; width: 100%; padding: 0.5em 0.75em; border: 1px solid var(--line);
  border-radius: 0.375em; background: transparent; color: inherit; font: inherit;
  font-weight: 400;
}
textarea { min-height: 7.5em; resize: vertical; }
[aria-invalid="true"] { border-color: var(--fault); box-shadow: inset 0 0 0 1px var(--fault); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.status { min-height: 0; margin: 0; font-weight: 600; }
.status:empty { display: none; }
.status.fault { color: var(--fault); }
.status.done { color: var(--text); }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75em; }
button {
  padding: 0.5em 1.125em; border: 1px solid var(--line); border-radius: 0.375em;
  background: transparent; color: inherit; font: inherit; font-weight: 600; cursor: pointer;
}
button.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
button:disabled { opacity: 0.6; cursor: default; }
`;

const CLOSED = "__sentry_reportdialog_closed__"; // what SDKs listen for

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function field(tag, name, label, attributes, value) {
  const control = element(tag, { name, required: "", ...attributes });
  control.value = value;
  return [control, element("label", {}, label, control)];
}

function showDialog(options, source) {
  const { labels } = options;
  const endpoint = new URL(source);
  endpoint.search = new URLSearchParams({ dsn: options.dsn, eventId: options.eventId });

  const [name, nameLabel] = field(
    "input", "name", labels.labelName, { autocomplete: "name", maxlength: "128" }, options.name,
  );
  const [email, emailLabel] = field(
    "input", "email", labels.labelEmail,
    { type: "email", autocomplete: "email", maxlength: "75" }, options.email,
  );
  const [comments, commentsLabel] = field("textarea", "comments", labels.labelComments, {}, "");
  const controls = [name, email, comments];
  const status = element("p", { class: "status", role: "status" });
  const submit = element("button", { type: "submit", class: "main" }, labels.labelSubmit);
  const close = element("button", { type: "button" }, labels.labelClose);
  const form = element(
    "form", { novalidate: "" },
    element("div", { class: "people" }, nameLabel, emailLabel), commentsLabel, status,
    element("div", { class: "buttons" }, submit, close),
  );
  const subtitle = element("p", { id: "subtitle" }, labels.subtitle, " ", labels.subtitle2);
  const dialog = element(
    "dialog", { "aria-labelledby": "title", "aria-describedby": "subtitle" },
    element("h2", { id: "title" }, labels.title),
    subtitle,
    form,
  );
  if (options.lang) dialog.setAttribute("lang", options.lang);

  const host = element("div", { id: "sentry-error-embed" });
  const tree = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  tree.adoptedStyleSheets = [sheet];
  tree.append(dialog);

  function say(text, kind) {
    status.className = `status ${kind}`;
    status.textContent = text;
  }

  function mark(isWrong) {
    const wrong = controls.filter(isWrong);
    for (const control of controls) control.setAttribute("aria-invalid", wrong.includes(control));
    if (wrong.length) wrong[0].focus();
    return wrong.length > 0;
  }

  async function send() {
    if (mark((control) => !control.value.trim() || !control.validity.valid)) {
      say(labels.errorFormEntry, "fault");
      return;
    }
    submit.disabled = true;
    say("", "");
    try {
      const body = new URLSearchParams(controls.map((control) => [control.name, control.value]));
      const answer = await fetch(endpoint, { method: "POST", body, credentials: "omit" });
      if (answer.ok) {
        subtitle.remove();
        form.replaceChildren(status, element("div", { class: "buttons" }, close));
        say(labels.successMessage, "done");
        close.className = "main";
        close.focus();
        return;
      }
      const { errors = {} } = answer.status === 400 ? await answer.json() : {};
      const isMarked = mark((control) => control.name in errors);
      say(isMarked ? labels.errorFormEntry : labels.errorGeneric, "fault");
    } catch {
      say(labels.errorGeneric, "fault");
    }
    submit.disabled = false;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  close.addEventListener("click", () => dialog.close());
  // Also after Escape, which the browser sees to, as it keeps the focus inside.
  dialog.addEventListener("close", () => {
    host.remove();
    window.postMessage(CLOSED, "*");
  });

  document.getElementById(host.id)?.remove();
  document.body.append(host);
  dialog.showModal();
  (controls.find((control) => !control.value) ?? comments).focus();
}

function showWhenReady(options) {
  const source = document.currentScript.src;
  if (document.body) showDialog(options, source);
  else document.addEventListener("DOMContentLoaded", () => showDialog(options, source));
}
