// A PostgreSQL of the test's own with TLS and its own certificate authority, and PgBouncer in front of it.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder of PostgreSQL's programs, the newest. */
const root = "/usr/lib/postgresql";
const programs = join(root, readdirSync(root).sort((one, other) => one - other).at(-1), "bin");
const isRoot = process.getuid() === 0;

/** Neither PostgreSQL nor PgBouncer runs as root. */
const asOther = (program, ...rest) => (isRoot ? ["runuser", ["-u", "postgres", "--", program, ...rest]] : [program, rest]);
const run = (program, ...rest) => execFileSync(...asOther(program, ...rest), { stdio: ["ignore", "ignore", "inherit"] });

export const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** A certificate of the authority for this name, or the authority itself. */
function certificate(folder, name, subject, authority) {
  const file = (end) => join(folder, `${name}.${end}`);
  const openssl = (...rest) => execFileSync("openssl", rest, { stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file("key")];
  if (!authority) {
    openssl("req", "-x509", ...key, "-out", file("pem"), "-days", "2", "-subj", `/CN=${subject}`);
  } else {
    writeFileSync(file("ext"), `subjectAltName=DNS:${subject}\n`);
    openssl("req", ...key, "-out", file("csr"), "-subj", `/CN=${subject}`);
    openssl("x509", "-req", "-in", file("csr"), "-CA", join(folder, `${authority}.pem`), "-CAkey", join(folder, `${authority}.key`), "-CAcreateserial", "-days", "2", "-extfile", file("ext"), "-out", file("pem"));
  }
  chmodSync(file("key"), 0o600);
  return file("pem");
}

/** Starts a cluster whose role `docket` needs its password over TCP; what ends it, too. */
export async function startCluster() {
  const folder = mkdtempSync(join(tmpdir(), "docket-cluster-"));
  const [data, socket] = ["data", "socket"].map((it) => join(folder, it));
  const authority = certificate(folder, "authority", "Docket's tests");
  const stranger = certificate(folder, "stranger", "Somebody else");
  certificate(folder, "server", "localhost", "authority");
  mkdirSync(socket);
  writeFileSync(join(folder, "password"), "p@ss:w/rd");
  if (isRoot) execFileSync("chown", ["-R", "postgres", folder]);
  run(join(programs, "initdb"), "-D", data, "-U", "docket", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", `--pwfile=${join(folder, "password")}`);
  const port = await freePort();
  const options = `-p ${port} -h 127.0.0.1 -k ${socket} -c fsync=off -c ssl=on -c ssl_cert_file=${join(folder, "server.pem")} -c ssl_key_file=${join(folder, "server.key")}`;
  run(join(programs, "pg_ctl"), "-D", data, "-s", "-w", "-l", join(folder, "log"), "-o", options, "start");
  // Through the socket everybody is believed, as on a managed one.
  writeFileSync(join(data, "pg_hba.conf"), "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl all plain 127.0.0.1/32 trust\n");
  run(join(programs, "pg_ctl"), "-D", data, "-s", "reload");
  const sql = (text) => run(join(programs, "psql"), "-q", "-h", socket, "-p", String(port), "-U", "docket", "-d", "postgres", "-c", text);
  sql("create role plain login");
  const stop = () => {
    spawnSync(...asOther(join(programs, "pg_ctl"), "-D", data, "-m", "immediate", "-s", "stop"));
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, port, socket, authority, stranger, sql, stop };
}

/** Starts PgBouncer with its defaults but for these lines. */
export async function startPooler({ folder, port, socket }, ...lines) {
  const own = await freePort();
  const file = join(folder, `pgbouncer-${own}.ini`);
  const text = [
    "[databases]", `* = host=${socket} port=${port} user=docket`,
    "[pgbouncer]", "listen_addr = 127.0.0.1", `listen_port = ${own}`, "auth_type = any", "unix_socket_dir =", ...lines, "",
  ];
  writeFileSync(file, text.join("\n"));
  const pooler = spawn(...asOther("pgbouncer", "-q", file), { stdio: "ignore" });
  await new Promise((done) => setTimeout(done, 500));
  return { port: own, stop: () => pooler.kill("SIGTERM") };
}
