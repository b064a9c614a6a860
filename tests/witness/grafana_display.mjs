// What Grafana's own package shows of columns: their names, and the numbers a panel makes of them by its field
// configuration (defaults, overrides, mappings, units, reducers).

export function names({ data, write, frames }) {
  const series = (name, labels, more = {}) => ({
    name,
    refId: 'A',
    fields: [
      { name: 'Time', type: 'time', config: {}, values: [1, 2] },
      { name: 'Value', type: 'number', config: {}, labels, values: [1, 2], ...more },
    ],
  });
  const column = (name, type = 'number', more = {}) => ({ name, type, config: {}, values: [1], ...more });
  const cases = [
    [series('', { job: 'x', pod: 'a' }), series('', { job: 'x', pod: 'b' })],
    [series('', { pod: 'a' }), series('', { pod: 'b' })],
    [series('up', { pod: 'a' }), series('up', { pod: 'b' })],
    [series('up', {}), series('down', {})],
    [series('up', { job: 'x', pod: 'a' }), series('down', { job: 'x', pod: 'a' })],
    [series('only', {})],
    [series('', {})],
    [series('', undefined)],
    [series('', { pod: 'a' }, { config: { displayName: 'given' } }), series('', { pod: 'b' }, { config: { displayNameFromDS: 'by DS' } })],
    [series('', { pod: 'a' }, { name: 'cpu' }), series('', { pod: 'b' }, { name: 'cpu' })],
    [series('', { __name__: 'up', pod: 'a' }, { name: 'up' }), series('', { pod: 'b' })],
    [{ refId: 'A', name: '', fields: [column('Time', 'time'), column('a'), column('a'), column('b'), column('a')] }],
    [{ refId: 'A', name: 'table', fields: [column('host', 'string'), column('Value'), column('Value #B')] }],
    [{ refId: 'A', name: 'x', fields: [column('t', 'time'), column('v')] }, { refId: 'B', name: 'x', fields: [column('t', 'time'), column('v')] }],
    [{ refId: 'A', name: 'x', fields: [column('t', 'time'), column('v')] }, { refId: 'B', name: 'y', fields: [column('t', 'time'), column('v')] }],
    [{ refId: 'A', name: '', fields: [column('t', 'time', { labels: { a: 'b' } }), column('v', 'number')] }],
  ];
  const all = cases.map((list) => {
    const known = list.map((frame) => data.toDataFrame(frame));
    const told = known.map((frame) => frame.fields.map((field) => data.getFieldDisplayName(field, frame, known)));
    return JSON.stringify({ frames: frames(list), names: told });
  });
  write('names.json', 'getFieldDisplayName(field, frame, frames)', [`"cases": [\n${all.join(',\n')}\n]`]);
}

// The properties every panel has; Grafana's page registers them in this way.
function registry(data) {
  const isNumber = (field) => field.type === data.FieldType.number;
  const always = () => true;
  const item = (id, process, shouldApply) => ({ id, path: id, name: id, process, shouldApply, settings: {} });
  return new data.FieldConfigOptionsRegistry(() => [
    item('displayName', data.displayNameOverrideProcessor, always),
    item('unit', data.unitOverrideProcessor, always),
    item('min', data.numberOverrideProcessor, isNumber),
    item('max', data.numberOverrideProcessor, isNumber),
    item('decimals', data.numberOverrideProcessor, isNumber),
    item('noValue', data.stringOverrideProcessor, always),
    item('thresholds', data.thresholdsOverrideProcessor, always),
    item('mappings', data.valueMappingsOverrideProcessor, always),
    item('color', data.identityOverrideProcessor, always),
  ]);
}

export function displays({ data, write, frames }) {
  const theme = data.createTheme();
  const times = [1000, 2000, 3000, 4000];
  const series = (pod, values, more = {}) => ({
    refId: 'A',
    name: '',
    fields: [
      { name: 'Time', type: 'time', config: {}, values: times.slice(0, values.length) },
      { name: 'Value', type: 'number', config: {}, labels: { pod }, values, ...more },
    ],
  });
  const table = {
    refId: 'B',
    name: '',
    fields: [
      { name: 'host', type: 'string', config: {}, values: ['db-1', 'db-2', ''] },
      { name: 'load', type: 'number', config: {}, values: [0.5, null, 12.25] },
      { name: 'up', type: 'boolean', config: {}, values: [true, false, true] },
    ],
  };
  const mappings = [
    { type: 'value', options: { 0: { text: 'DOWN', color: 'red', index: 0 }, 'db-1': { text: 'first', index: 1 } } },
    { type: 'range', options: { from: 100, to: null, result: { text: 'many', color: 'orange' } } },
    { type: 'special', options: { match: 'null+nan', result: { text: 'N/A' } } },
    { type: 'regex', options: { pattern: '/^db-(.*)$/', result: { text: 'host $1' } } },
  ];
  const steps = (mode) => ({ mode, steps: [{ value: -Infinity, color: 'green' }, { value: 5, color: 'orange' }, { value: 80, color: 'red' }] });
  const by = (id, options, ...properties) => ({ matcher: { id, options }, properties: properties.map(([id, value]) => ({ id, value })) });
  const two = [series('a', [1, 5, 250, 0.123]), series('b', [null, 7, NaN, null])];
  const bare = { defaults: {}, overrides: [] };
  const config = (defaults, ...overrides) => ({ defaults, overrides });
  const reduce = (...calcs) => ({ calcs, fields: '', values: false });
  const cases = [
    [two, bare, reduce('lastNotNull')],
    [two, bare, reduce('last')],
    [two, bare, reduce('mean', 'max')],
    [two, config({ unit: 'bytes', decimals: 2 }), reduce('sum')],
    [two, config({ mappings, unit: 'percent' }), reduce('last')],
    [two, config({ mappings, unit: 'percent' }), reduce('max')],
    [two, config({ noValue: 'none' }), reduce('last')],
    [[], config({ noValue: 'none' }), reduce('last')],
    [[], bare, reduce('last')],
    [[series('a', [])], bare, reduce('last')],
    [[series('a', [])], config({ noValue: '-' }), reduce('last')],
    [two, config({ unit: 'short' }, by('byName', 'b', ['unit', 's'], ['displayName', 'second'])), reduce('lastNotNull')],
    [two, config({}, by('byRegexp', '/^a/', ['decimals', 1])), reduce('mean')],
    [two, config({}, by('byRegexp', 'a', ['decimals', 1]), by('byRegexp', 'b', ['unit', 'ms'])), reduce('mean')],
    [two, config({}, by('byFrameRefID', 'A', ['unit', 'ops'])), reduce('max')],
    [two, config({}, by('byType', 'number', ['unit', 'ms'])), reduce('max')],
    [two, config({}, by('byNames', { mode: 'exclude', names: ['a', 'Time'] }, ['unit', 'ms'])), reduce('max')],
    [two, config({}, by('byValue', { reducer: 'max', op: 'gt', value: 100 }, ['unit', 'ms'])), reduce('max')],
    [two, config({}, by('byValue', { reducer: 'allIsZero', op: 'gte', value: 0 }, ['unit', 'ms'])), reduce('max')],
    [two, config({ unit: 'ms' }, by('byName', 'a', ['unit', null])), reduce('max')],
    [two, config({ mappings }, by('byName', 'a', ['mappings', [{ type: 'range', options: { from: 0, to: 1, result: { text: 'low' } } }]])), reduce('last')],
    [two, config({ displayName: 'all' }), reduce('last')],
    [[table], bare, reduce('lastNotNull')],
    [[table], bare, { calcs: ['lastNotNull'], fields: '/.*/', values: false }],
    [[table], bare, { calcs: ['last'], fields: '/^host$/', values: false }],
    [[table], config({ mappings }), { calcs: ['last'], fields: '/^host$/', values: true }],
    [[table], config({ unit: 'percentunit' }), { calcs: [], fields: '', values: true }],
    [[table], config({ noValue: 'none' }), { calcs: [], fields: '', values: true, limit: 2 }],
    [[table], config({ mappings }), { calcs: [], fields: 'load', values: true }],
    [[table], config({ unit: 'bool_yes_no' }), { calcs: [], fields: 'up', values: true }],
    [two, config({ thresholds: steps('absolute') }), reduce('max')],
    [two, config({ thresholds: steps('absolute') }), reduce('first')],
    [two, config({ thresholds: steps('percentage'), min: 0, max: 300 }), reduce('max')],
    [two, config({ thresholds: steps('percentage') }), reduce('mean')],
    [two, config({ thresholds: steps('absolute') }, by('byName', 'a', ['thresholds', { mode: 'absolute', steps: [{ value: -Infinity, color: 'blue' }] }])), reduce('max')],
  ];
  const named = new Map(['green', 'orange', 'red', 'blue'].map((name) => [theme.visualization.getColorByName(name).toLowerCase(), name]));
  const all = cases.map(([list, fieldConfig, reduceOptions]) => {
    const replaceVariables = (text) => text;
    const asked = JSON.stringify(fieldConfig, (_, value) => (value === -Infinity ? null : value));
    const shown = data.applyFieldOverrides({
      data: list.map((frame) => data.toDataFrame(frame)), fieldConfig, theme, replaceVariables, timeZone: 'utc',
      fieldConfigRegistry: registry(data),
    });
    const values = data.getFieldDisplayValues({ data: shown, fieldConfig, reduceOptions, replaceVariables, theme, timeZone: 'utc' });
    const told = values.map(({ display }) => ({
      name: display.title ?? null,
      text: data.formattedValueToString(display),
      color: fieldConfig.defaults.thresholds ? named.get((display.color ?? '').toLowerCase()) ?? null : undefined,
    }));
    return `{"frames":${JSON.stringify(frames(list))},"fieldConfig":${asked},"reduceOptions":${JSON.stringify(reduceOptions)},"values":${JSON.stringify(told)}}`;
  });
  write('displays.json', 'getFieldDisplayValues(applyFieldOverrides(frames)), theme of createTheme()', [`"cases": [\n${all.join(',\n')}\n]`]);
}
