// Passkeys: a form with data-passkey="create" or "get" asks the browser for one and sends what it answers.
// What to ask for comes from our own address in data-options; without JavaScript the form stays hidden.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const listed = (some) => (some ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

async function asked(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "X-CSRF-Token": form.elements.csrf.value, Accept: "application/json" },
  });
  if (!answer.ok) throw new Error("refused");
  const { ticket, options } = await answer.json();
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  options.excludeCredentials = listed(options.excludeCredentials);
  options.allowCredentials = listed(options.allowCredentials);
  return { ticket, options };
}

function written(credential) {
  const said = credential.response;
  const fields = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const response = Object.fromEntries(fields.filter((name) => said[name]).map((name) => [name, text(said[name])]));
  if (said.getTransports) response.transports = said.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function used(form) {
  const failed = form.querySelector("[data-passkey-failed]");
  failed.hidden = true;
  try {
    const { ticket, options } = await asked(form);
    const credential = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: options })
      : await navigator.credentials.get({ publicKey: options });
    form.elements.ticket.value = ticket;
    form.elements.credential.value = written(credential);
    form.submit();
  } catch {
    failed.hidden = false; // nothing was sent: they may have changed their mind
    failed.focus();
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    used(form);
  });
}
