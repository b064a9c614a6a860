// Witness: validates answers and requests against GitHub's own OpenAPI description and GraphQL schema.
//
// usage: node github.mjs JOB.json        (packages are looked up in $MIDWATCH_NPM_WITNESS/node_modules)
// JOB: { base, token,
//        get:      [path, ...]                          fetched and validated against the OpenAPI answers
//        requests: [{method, path, body}, ...]          validated against the OpenAPI request bodies, not sent
//        graphql:  [document, ...]                      validated against the GraphQL schema
//        ask:      [{query, variables}, ...] }          sent as well; must answer data without errors
// Prints one line per fault; exit code 1 if there is one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.MIDWATCH_NPM_WITNESS ?? '.';
const require = createRequire(pathToFileURL(path.resolve(folder, 'node_modules', 'x.js')));
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;
const { buildSchema, parse, validate } = require('graphql');

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const api = JSON.parse(readFileSync(require.resolve('@octokit/openapi/generated/api.github.com.json'), 'utf8'));
let faults = 0;
let checked = 0;
const fault = (text) => { faults += 1; console.log(text); };

// OpenAPI 3.0 says `nullable`; JSON Schema wants a type list or an alternative.
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (schema === null || typeof schema !== 'object') return schema;
  const out = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'nullable' || key === 'example' || key === 'examples' || key === 'discriminator' || key.startsWith('x-')) {
      // A property may be called `example`; those sit in `properties`, handled below.
      continue;
    }
    out[key] = key === 'properties'
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
      : ['enum', 'required', 'const', 'default'].includes(key) ? value : plain(value);
  }
  if (schema.nullable === true) {
    if (out.enum && !out.enum.includes(null)) out.enum = [...out.enum, null];
    if (typeof out.type === 'string') out.type = [out.type, 'null'];
    else if (!out.type) return { anyOf: [out, { type: 'null' }] };
  }
  return out;
}

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
addFormats(ajv);
for (const name of ['repo.nwo', 'ref', 'token', 'patch']) ajv.addFormat(name, true);
ajv.addSchema({ $id: 'api', components: { schemas: plain(api.components.schemas) } });
const pointed = (schema) => JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"api#/components/schemas/'));
const compiled = new Map();
function fits(schema, value, what) {
  const key = JSON.stringify(schema);
  if (!compiled.has(key)) compiled.set(key, ajv.compile(pointed(plain(schema))));
  const check = compiled.get(key);
  checked += 1;
  if (!check(value)) {
    for (const e of check.errors.slice(0, 6)) fault(`${what}: ${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`);
  }
}
const deref = (thing) => {
  while (thing?.$ref) thing = thing.$ref.split('/').slice(1).reduce((at, key) => at[key], api);
  return thing;
};

const templates = Object.keys(api.paths).map((template) => {
  const fixed = template.split('/').filter((part) => part && !part.startsWith('{')).length;
  const source = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(basehead|ref|path)\}/g, '.+').replace(/\{[^}]+\}/g, '[^/]+');
  return { template, fixed, pattern: new RegExp(`^${source}$`) };
});
function operation(method, url) {
  const bare = decodeURI(url.split('?')[0]);
  const fitting = templates.filter((t) => t.pattern.test(bare) && api.paths[t.template][method.toLowerCase()]);
  fitting.sort((a, b) => b.fixed - a.fixed);
  return fitting.length ? api.paths[fitting[0].template][method.toLowerCase()] : undefined;
}

const headers = { authorization: `Bearer ${job.token}`, 'user-agent': 'witness', accept: 'application/vnd.github+json' };
for (const url of job.get ?? []) {
  const what = `GET ${url}`;
  const known = operation('GET', url);
  if (!known) { fault(`${what}: no such operation in the OpenAPI description`); continue; }
  const answer = await fetch(job.base + url, { headers, redirect: 'manual' });
  const described = deref(known.responses[String(answer.status)]);
  if (!described) { fault(`${what}: status ${answer.status} is not described: ${(await answer.text()).slice(0, 200)}`); continue; }
  const schema = described.content?.['application/json']?.schema;
  if (schema) fits(schema, await answer.json(), what);
  else checked += 1;
}

for (const { method, path: url, body } of job.requests ?? []) {
  const what = `${method} ${url}`;
  const known = operation(method, url);
  if (!known) { fault(`${what}: no such operation in the OpenAPI description`); continue; }
  const wanted = deref(known.requestBody);
  const schema = wanted?.content?.['application/json']?.schema;
  const sent = body !== undefined && body !== null;
  if (!sent && wanted?.required) fault(`${what}: the body is missing`);
  else if (sent && !schema) fault(`${what}: takes no body`);
  else if (sent) {
    fits(schema, body, what);
    const inner = deref(schema);
    for (const key of Object.keys(body)) {
      if (inner.properties && !(key in inner.properties)) fault(`${what}: '${key}' is not in the described body`);
    }
  } else checked += 1;
}

const documents = [...(job.graphql ?? []), ...(job.ask ?? []).map((a) => a.query)];
if (documents.length) {
  const file = path.join(folder, 'node_modules', '@octokit', 'graphql-schema', 'schema.graphql');
  const schema = buildSchema(readFileSync(file, 'utf8'), { assumeValid: true });
  for (const document of documents) {
    checked += 1;
    let parsed;
    try { parsed = parse(document); } catch (error) { fault(`graphql: ${error.message} in ${document.slice(0, 80)}`); continue; }
    for (const error of validate(schema, parsed)) fault(`graphql: ${error.message} in ${document.slice(0, 80)}`);
  }
}
for (const { query, variables } of job.ask ?? []) {
  const answer = await fetch(`${job.base}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const body = await answer.json();
  if (!body.data || body.errors) fault(`graphql: answered ${JSON.stringify(body.errors ?? body).slice(0, 300)} to ${query.slice(0, 80)}`);
}
console.log(`${checked} checked, ${faults} faults`);
process.exit(faults ? 1 : 0);
