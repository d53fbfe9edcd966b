// The network of one device: a way to Docket that can be cut, as a cable can.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function cable(base) {
  const { hostname, port } = new URL(base);
  const open = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(Number(port), hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => open.delete(one) && other.destroy());
    }
  }).listen(0, "127.0.0.1");
  // A test that fails before it closes its devices does not keep the others from ending.
  server.unref();
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    plug() {
      isCut = false;
    },
    async close() {
      this.cut();
      server.close();
      await once(server, "close");
    },
  };
}
