// Loaded before the suite (`--import`): its questions to ORIGIN carry the signature of a server, because ours shows
// collections to servers that sign and to nobody else. KEY_ID names the key, KEY holds it as PEM.
import { createSign } from "node:crypto";

const { ORIGIN, KEY_ID, KEY } = process.env;
const plain = globalThis.fetch;

globalThis.fetch = async (asked, options = {}) => {
  const url = new URL(asked instanceof Request ? asked.url : asked);
  const method = (options.method ?? asked.method ?? "GET").toLowerCase();
  if (url.origin !== ORIGIN || method !== "get") return await plain(asked, options);
  const date = new Date().toUTCString();
  const said = [`(request-target): get ${url.pathname}${url.search}`, `host: ${url.host}`, `date: ${date}`];
  const signature = createSign("sha256").update(said.join("\n")).sign(KEY, "base64");
  const headers = new Headers(options.headers ?? asked.headers);
  headers.set("Date", date);
  headers.set(
    "Signature",
    `keyId="${KEY_ID}",algorithm="rsa-sha256",headers="(request-target) host date",signature="${signature}"`,
  );
  return await plain(url, { ...options, headers });
};
