// What every page runs. Nothing here is needed to read or to send a form: it makes both quicker.
import htmx from "htmx.org/dist/htmx.esm.js";
import {
  createAll, Button, CharacterCount, Checkboxes, ErrorSummary, Header, NotificationBanner, PasswordInput, Radios,
  SkipLink,
} from "nhsuk-frontend";
import { drawCharts } from "./parts/drawing.js";
import { listenToKeys } from "./parts/keys.js";
import { keepHelp, tellOffline } from "./parts/help.js";

// No eval, no styles written into the page, no script out of an answer, requests to ourselves alone,
// and nothing of any patient left in the browser's storage.
Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyEnabled: false,
  scrollIntoViewOnBoost: false,
  timeout: 15000,
});

try { sessionStorage.removeItem("htmx-current-path-for-history"); } catch { /* a browser without storage */ }

const words = (name) => document.body.dataset[name] ?? "";

// NHS.UK frontend's components look for both classes, which its own page sets by an inline script.
document.body.classList.add("js-enabled", "nhsuk-frontend-supported");

function start(scope) {
  const root = scope instanceof Document ? scope : scope.parentElement ?? scope;
  createAll(Button, { preventDoubleClick: true }, root);
  for (const component of [Checkboxes, Radios, ErrorSummary, NotificationBanner]) createAll(component, undefined, root);
  createAll(CharacterCount, { i18n: {
    charactersUnderLimit: { one: words("charactersLeftOne"), other: words("charactersLeft") },
    charactersAtLimit: words("charactersNone"),
    charactersOverLimit: { one: words("charactersOverOne"), other: words("charactersOver") },
  } }, root);
  createAll(PasswordInput, { i18n: {
    showPassword: words("show"), hidePassword: words("hide"),
    showPasswordAriaLabel: words("showPassword"), hidePasswordAriaLabel: words("hidePassword"),
    passwordShownAnnouncement: words("passwordShown"), passwordHiddenAnnouncement: words("passwordHidden"),
  } }, root);
  drawCharts(root);
}

createAll(Header);
createAll(SkipLink);
start(document);

document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) start(event.target); });

// Who was signed out, or may no longer see this, while the page stayed open: the whole page is asked for again, and
// says so. A live part must neither show the sign-in page inside itself nor go on asking.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  const path = (address) => new URL(address, window.location.href).pathname;
  const elsewhere = xhr.responseURL && path(xhr.responseURL) !== path(pathInfo.requestPath);
  if (elsewhere || [401, 403, 404].includes(xhr.status)) { event.preventDefault(); window.location.reload(); }
});

// Forms that say so are sent as soon as a choice is made (sorting, filtering); their button is for no script.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-send-on-change]");
  if (form) form.requestSubmit();
});
for (const button of document.querySelectorAll("form[data-send-on-change] [data-no-script]")) button.hidden = true;
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

listenToKeys();
// On paper nobody can open a table: the numbers of a chart stand below it.
const opened = [];
window.addEventListener("beforeprint", () => {
  for (const table of document.querySelectorAll(".app-chart details:not([open])")) { table.open = true; opened.push(table); }
});
window.addEventListener("afterprint", () => { for (const table of opened.splice(0)) table.open = false; });

keepHelp();
tellOffline();
