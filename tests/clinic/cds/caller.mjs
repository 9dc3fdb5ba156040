// An EHR of another make: Node's own cryptography and HTTP. It signs as CDS Hooks asks, calls, and answers a card.
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const [what, keyFile, base, issuer, patient] = process.argv.slice(2);

if (what === 'keys') {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  console.log(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'node-1', use: 'sig', alg: 'ES384' }] }));
} else {
  const key = createPrivateKey(readFileSync(keyFile));
  const coded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = (audience) => {
    const now = Math.floor(Date.now() / 1000);
    const text = `${coded({ alg: 'ES384', typ: 'JWT', kid: 'node-1' })}.${coded({ iss: issuer, aud: audience, exp: now + 300, iat: now, jti: randomUUID() })}`;
    return `${text}.${sign('sha384', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const ask = async (path, body) => {
    const url = `${base}/cds-services${path}`;
    const headers = { authorization: `Bearer ${signed(url)}`, 'content-type': 'application/json' };
    const answer = await fetch(url, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
    return { status: answer.status, told: await answer.json() };
  };
  const discovered = await ask('');
  const service = discovered.told.services.find((one) => one.hook === 'order-sign').id;
  const order = { resourceType: 'MedicationRequest', id: '1', status: 'draft', intent: 'order', medicationCodeableConcept: { text: 'Sertraline' } };
  const called = await ask(`/${service}`, {
    hook: 'order-sign',
    hookInstance: randomUUID(),
    context: { userId: 'Practitioner/1', patientId: patient, draftOrders: { resourceType: 'Bundle', entry: [{ resource: order }] } },
  });
  const card = called.told.cards[0];
  const answered = await ask(`/${service}/feedback`, {
    feedback: [{ card: card.uuid, outcome: 'accepted', acceptedSuggestions: [{ id: card.suggestions[0].uuid }], outcomeTimestamp: new Date().toISOString() }],
  });
  console.log(JSON.stringify({ discovered: discovered.status, called: called.status, summary: card.summary, answered: answered.status }));
}
