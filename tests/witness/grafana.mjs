// Oracle: what Grafana's own package makes of units, reducers and intervals, as fixtures for the tests.
//
// usage: node grafana.mjs FOLDER        (packages are looked up in $MIDWATCH_NPM_WITNESS/node_modules)
// Writes units.json, reducers.json, intervals.json, names.json and displays.json into FOLDER. `null` is no value; numbers JSON has no word for are
// strings.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { displays, names } from './grafana_display.mjs';

process.env.TZ = 'UTC';
const folder = process.env.MIDWATCH_NPM_WITNESS ?? '.';
const require = createRequire(pathToFileURL(path.resolve(folder, 'node_modules', 'x.js')));

// The package is a browser's.
const { JSDOM } = require('jsdom');
const { window } = new JSDOM('<!doctype html>', { url: 'http://localhost/' });
const shown = ['window', 'document', 'navigator', 'location', 'HTMLElement', 'Element', 'Node', 'DOMParser', 'localStorage'];
for (const name of shown) {
  Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true, writable: true });
}
const data = require('@grafana/data');
const manifest = path.join(folder, 'node_modules', '@grafana', 'data', 'package.json');
const source = `@grafana/data ${JSON.parse(readFileSync(manifest, 'utf8')).version} (npm)`;

const spelled = (value) => {
  if (value === undefined || value === null) return null;
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
};
const line = (key, value) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
const write = (name, what, parts) => {
  const text = [line('package', `${source}: ${what}`), ...parts].join(',\n');
  writeFileSync(path.join(process.argv[2], name), `{\n${text}\n}\n`);
};

function units() {
  const values = [
    0, 1, -1, 3, 12, 15.5, 155.5, 0.5, 0.0123, 1.2e-7, 1.005, 99.95, 99.996, 999.95, 1000, 1023, 1024, -1536, 12345, 59.9, 60,
    5400, 86400, 90061, 1234567, 47304000, 1500000000, -2500000000, 3200000000000000, 880000000000000000000,
  ];
  // The reader's own zone, or words for how long ago, are no fixed answers.
  const moving = ['dateTimeFromNow', 'dateTimeAsLocal', 'dateTimeAsLocalNoDateIfToday', 'dateTimeAsSystem'];
  const listed = data.getValueFormats().flatMap((group) => group.submenu.map((unit) => unit.value));
  const own = JSON.parse(readFileSync(new URL('units.json', import.meta.url), 'utf8'));
  const ids = [...new Set([...listed, ...own])].filter((id) => !moving.includes(id));
  const all = ids.map((id) => {
    const columns = {};
    for (const decimals of [0, 2, undefined]) {
      const texts = values.map((value) => data.formattedValueToString(data.getValueFormat(id)(value, decimals)));
      columns[decimals ?? 'auto'] = texts;
    }
    return line(id, columns);
  });
  const what = 'formattedValueToString(getValueFormat(id)(value, decimals)), locale en-US, UTC';
  write('units.json', what, [line('values', values), `"units": {\n${all.join(',\n')}\n}`]);
}

function reducers() {
  const columns = [
    [], [null], [null, null], [NaN], [5], [0], [-3.5], [0, 0, 0], [0, null], [null, 0, NaN],
    [2, 4, 4, 4, 5, 5, 7, 9], [1, 2, 3, 4], [4, 3, 2, 1], [null, 2, 8, 5, null], [3, NaN, 9, null, 1], [10, 20, 5, 15, 25, 1, 2],
    [0, 5, 10], [-2, -1, -4], [1.5, 1.5, 1.5], [0.1, 0.2, 0.3, 0.4], [1e15, 1e15 + 2, 1e15 + 4], [Infinity], [-Infinity],
    [1, Infinity, 3], [-Infinity, 2], [7, 7, 8, 8, 7], [100, null, null, 90, 110], [1e-9, 2e-9, -1e-9],
    Array.from({ length: 101 }, (_, index) => (index * 37) % 101),
  ];
  const ids = data.fieldReducers.list().map((reducer) => reducer.id).filter((id) => !['allValues', 'uniqueValues'].includes(id));
  const all = [...ids, 'current', 'avg', 'total'].map((id) => {
    const of = (values) => {
      // How a NaN is sorted is left to the browser.
      if (/^(p\d+|median)$/.test(id) && values.some(Number.isNaN)) return 'unspecified';
      const field = { name: 'x', type: data.FieldType.number, config: {}, values };
      const known = data.fieldReducers.get(id).id;
      return spelled(data.reduceField({ field, reducers: [known] })[known]);
    };
    return line(id, columns.map(of));
  });
  write('reducers.json', 'reduceField({ field, reducers: [id] })[id]', [
    line('columns', columns.map((column) => column.map(spelled))), `"reducers": {\n${all.join(',\n')}\n}`,
  ]);
}

function intervals() {
  const minutes = [1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 43200, 129600, 259200, 525600, 1051200, 2628000];
  const points = [1, 10, 55, 100, 240, 333, 500, 1000, 1920, 11000];
  const calculated = [];
  for (const range of minutes.map((count) => count * 60_000)) {
    for (const width of points) {
      for (const low of [null, '1s', '15s', '1m', '2h']) {
        const to = Date.UTC(2026, 2, 14);
        const asked = { from: data.dateTime(to - range), to: data.dateTime(to) };
        calculated.push([range, width, low, data.rangeUtil.calculateInterval(asked, width, low ?? undefined).intervalMs]);
      }
    }
  }
  const edges = [];
  for (let at = 1; at < 2e11; at *= 1.13) edges.push(Math.floor(at));
  const rounded = [...new Set(edges)].map((at) => [at, data.rangeUtil.roundInterval(at)]);
  write('intervals.json', 'rangeUtil.calculateInterval(range, points, least), rangeUtil.roundInterval(ms)', [
    line('calculated', calculated), line('rounded', rounded),
  ]);
}

// A frame without what only a browser needs.
const frames = (list) => list.map((frame) => ({
  refId: frame.refId ?? null,
  name: frame.name ?? null,
  fields: frame.fields.map(({ name, type, config, labels, values }) => ({
    name, type, config, labels: labels ?? null, values: values.map(spelled),
  })),
}));
const tools = { data, line, write, frames, spelled };

units();
reducers();
intervals();
names(tools);
displays(tools);
