// The arrows of docs/architecture.md: who may import whom.
const only = (from, allowed) => ({
  name: `${from}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^${from}/` },
  to: {
    path: '^(shared|broker|scheduler|web-console|device-agent|firmware-sim)/',
    pathNot: `^(${[from, ...allowed].join('|')})/`,
  },
});

module.exports = {
  forbidden: [
    only('shared', []),
    only('broker', ['shared']),
    only('scheduler', ['shared']),
    only('web-console', ['shared', 'scheduler']),
    only('device-agent', ['shared']),
    only('firmware-sim', ['shared', 'device-agent']),
    {
      name: 'ui-imports-only-the-browser-safe-part-of-shared',
      severity: 'error',
      from: { path: '^web-console/ui/' },
      to: { path: '^(web-console/server|scheduler|shared/src/(signing|opus|ogg))' },
    },
    {
      name: 'only-the-public-face-of-another-workspace',
      severity: 'error',
      from: { path: '^(shared|broker|scheduler|web-console|device-agent|firmware-sim)/' },
      to: {
        path: '^(broker|scheduler|web-console|device-agent|firmware-sim)/(src|server)/.+',
        pathNot: ['^$1/', '^[^/]+/(src|server)/(index|testing)\\.ts$'],
      },
    },
    {
      name: 'shared-does-no-input-or-output',
      severity: 'error',
      from: { path: '^shared/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(node:)?(fs|fs/promises|net|tls|http|https|dgram|child_process|worker_threads|timers)$' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
