#!/usr/bin/env node
/**
 * The command `tidemark`: checks the version of Node in syntax that an old one can read, then hands over.
 */
var major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write("tidemark needs Node 24 or newer, this is " + process.versions.node + "\n");
  process.exit(2);
} else {
  // Otherwise every start strips the types from some hundred files again: most of the time that a command takes. Workers of a fleet inherit it.
  if (process.env.NODE_COMPILE_CACHE === undefined)
    process.env.NODE_COMPILE_CACHE = process.getBuiltinModule("node:os").homedir() + "/.cache/tidemark/compiled";
  process.getBuiltinModule("node:module").enableCompileCache();
  void import("./main.ts").then(function (cli) {
    return cli.main(process.argv);
  });
}
