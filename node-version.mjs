// Stops with a clear sentence below Node 24: TypeScript sources run by type stripping.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `plumbline needs Node 24 or newer and found ${process.versions.node}. ` +
      'The npm package "node" brings it: run "npm ci" (or "npm rebuild node" if install scripts were off), then use npm scripts.',
  );
  process.exit(1);
}
