// What reached a server, in a file of its process; see fastmcp_server.py.
import fs from "node:fs";

export function counting(directory) {
  const counts = { calls: 0, opened: 0, ended: 0 };
  const path = `${directory}/${process.pid}.json`;
  const save = () => {
    fs.writeFileSync(`${path}.new`, JSON.stringify(counts));
    fs.renameSync(`${path}.new`, path);
  };
  save();
  setInterval(save, 100);
  return { counts, save };
}

// A session over stdio is the process: it begins now, and ends with its input.
export function countStdio({ counts, save }) {
  counts.opened = 1;
  process.stdin.on("end", () => {
    counts.ended = 1;
    save();
    process.exit(0);
  });
}
