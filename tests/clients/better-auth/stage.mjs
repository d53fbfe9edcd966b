// A stage for the probes: a server in front of Docket that also offers what a test may do and a product may not, to
// look into the mail and to age a session. It has an SMTP sink for Docket's mail, and changes the database itself.
//   DOCKET_PORT=… PORT=… SMTP_PORT=… DATABASE_URL=… node stage.mjs
import { execFileSync } from "node:child_process";
import http from "node:http";
import net from "node:net";

const { DOCKET_PORT, PORT, SMTP_PORT, DATABASE_URL } = process.env;
const outbox = [];

/** Takes mail as RFC 5321 says, no more of it than a client needs. */
function converse(socket) {
  let left = "";
  let body;
  socket.write("220 sink\r\n");
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    left += chunk.toString("utf8");
    for (let end; (end = left.indexOf("\r\n")) >= 0; ) {
      const line = left.slice(0, end);
      left = left.slice(end + 2);
      if (body !== undefined) {
        if (line === ".") {
          receive(body);
          body = undefined;
          socket.write("250 kept\r\n");
        } else {
          body += `${line.replace(/^\.\./, ".")}\r\n`;
        }
      } else if (/^DATA/i.test(line)) {
        body = "";
        socket.write("354 go on\r\n");
      } else if (/^QUIT/i.test(line)) {
        socket.end("221 bye\r\n");
      } else {
        socket.write("250 ok\r\n");
      }
    }
  });
}

function receive(message) {
  const [head, ...rest] = message.split("\r\n\r\n");
  let text = rest.join("\r\n\r\n");
  if (/^content-transfer-encoding: quoted-printable/im.test(head)) {
    text = text.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  } else if (/^content-transfer-encoding: base64/im.test(head)) {
    text = Buffer.from(text, "base64").toString("utf8");
  }
  const url = /https?:\/\/\S+/.exec(text)[0];
  const [kind, token] = url.includes("/verify-email?")
    ? ["verify-email", new URL(url).searchParams.get("token")]
    : url.includes("/delete-user/")
      ? ["delete-account", new URL(url).searchParams.get("token")]
      : ["reset-password", new URL(url).pathname.split("/").pop()];
  outbox.unshift({ kind, to: /^to: (.*)$/im.exec(head)[1].trim(), url, token });
}

/** Rewrites the times of a session and tells how many sessions there were. */
function age({ token, expiresInMs, createdAgoMs }) {
  const time = (milliseconds) => new Date(Date.now() + milliseconds).toISOString();
  const sets = [];
  if (expiresInMs !== undefined) sets.push(`"expiresAt" = '${time(expiresInMs)}'`);
  if (createdAgoMs !== undefined) sets.push(`"createdAt" = '${time(-createdAgoMs)}'`);
  const sql = `update session set ${sets.join(", ")} where token = '${token.replace(/[^A-Za-z0-9]/g, "")}'`;
  if (!DATABASE_URL.startsWith("sqlite:")) {
    return Number(/UPDATE (\d+)/.exec(execFileSync("psql", [DATABASE_URL, "-c", sql]).toString())[1]);
  }
  const file = DATABASE_URL.replace(/^sqlite:(\/\/)?/, "").replace(/\?.*/, "");
  const script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], 10); n = c.execute(sys.argv[2]).rowcount; c.commit(); print(n)";
  return Number(execFileSync("python3", ["-c", script, file, sql]).toString());
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function serve(request, response) {
  const url = new URL(request.url, "http://stage");
  const answer = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (url.pathname === "/__test/outbox") {
    return answer(outbox.filter(({ to }) => to === url.searchParams.get("to").toLowerCase()));
  }
  if (url.pathname === "/__test/age") return answer({ changed: age(JSON.parse(await read(request))) });
  const { method, url: path, headers } = request;
  const onward = http.request({ host: "127.0.0.1", port: DOCKET_PORT, method, path, headers }, (answered) => {
    response.writeHead(answered.statusCode, answered.rawHeaders);
    answered.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}

net.createServer(converse).listen(SMTP_PORT, "127.0.0.1");
http.createServer(serve).listen(PORT, "127.0.0.1");
