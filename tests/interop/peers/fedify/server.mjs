// A peer with two people (io, ada) and a group (club), written on Fedify. What it says is ours; how it signs,
// verifies, reads and writes is the library's. The tests steer it through /control, which only loopback reaches.
//
// ORIGIN       the https address it is known by (a TLS terminator stands before it)
// PORT         where it listens, on 127.0.0.1
// FIRST_KNOCK  the signature it tries first: rfc9421 or draft-cavage-http-signatures-12
// ONLY_9421    1: a request signed the old way only is answered 401, so that the sender has to knock twice
// SOFTWARE     the name in its NodeInfo
import { createServer } from "node:http";
import {
  createFederation,
  generateCryptoKeyPair,
  InProcessMessageQueue,
  MemoryKvStore,
} from "@fedify/fedify";
import {
  Accept,
  Activity,
  Announce,
  Create,
  Delete,
  Endpoints,
  Follow,
  Group,
  Like,
  Mention,
  Note,
  Person,
  PUBLIC_COLLECTION,
  Tombstone,
  Undo,
  Update,
} from "@fedify/fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";

const { ORIGIN, PORT, FIRST_KNOCK, ONLY_9421, SOFTWARE } = process.env;
const NAMES = { io: "Io", ada: "Ada", club: "The club" };
const keys = new Map();
const followers = new Map(Object.keys(NAMES).map((name) => [name, new Map()]));
const notes = new Map();
const gone = new Map();
const sent = new Map();
const heard = [];
let count = Date.now();
for (const name of Object.keys(NAMES)) {
  keys.set(name, [await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"), await generateCryptoKeyPair("Ed25519")]);
}

// Never remembers which signature a server took, so that every single message begins with FIRST_KNOCK.
class ForgetfulKvStore extends MemoryKvStore {
  async get(key) {
    return key.includes("signature-kind") ? undefined : await super.get(key);
  }
}

const federation = createFederation({
  kv: new ForgetfulKvStore(),
  kvPrefixes: { httpMessageSignaturesSpec: ["signature-kind"] },
  queue: new InProcessMessageQueue(),
  origin: ORIGIN,
  allowPrivateAddress: true,
  firstKnock: FIRST_KNOCK,
});

federation
  .setActorDispatcher("/actors/{identifier}", async (ctx, identifier) => {
    if (!(identifier in NAMES)) return null;
    const pairs = await ctx.getActorKeyPairs(identifier);
    const values = {
      id: ctx.getActorUri(identifier),
      preferredUsername: identifier,
      name: NAMES[identifier],
      inbox: ctx.getInboxUri(identifier),
      outbox: ctx.getOutboxUri(identifier),
      followers: ctx.getFollowersUri(identifier),
      endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
      publicKey: pairs[0].cryptographicKey,
      assertionMethods: pairs.map((pair) => pair.multikey),
      url: ctx.getActorUri(identifier),
    };
    return identifier === "club" ? new Group(values) : new Person(values);
  })
  .setKeyPairsDispatcher((_ctx, identifier) => keys.get(identifier) ?? []);

federation.setFollowersDispatcher("/actors/{identifier}/followers", (_ctx, identifier) => ({
  items: [...(followers.get(identifier)?.values() ?? [])],
}));
federation.setOutboxDispatcher("/actors/{identifier}/outbox", () => ({ items: [] }));
federation.setObjectDispatcher(Note, "/notes/{id}", (_ctx, { id }) => notes.get(id) ?? null);
federation.setNodeInfoDispatcher("/nodeinfo/2.1", () => ({
  software: { name: SOFTWARE, version: "1.0.0" },
  protocols: ["activitypub"],
  usage: { users: {}, localPosts: 0, localComments: 0 },
}));

function note(activity, extra = {}) {
  heard.push({
    type: activity.constructor.name,
    id: activity.id?.href ?? null,
    actor: activity.actorId?.href ?? null,
    object: activity.objectId?.href ?? null,
    ...extra,
  });
}

federation
  .setInboxListeners("/actors/{identifier}/inbox", "/inbox")
  .setSharedKeyDispatcher(() => ({ identifier: "io" }))
  .on(Follow, async (ctx, follow) => {
    note(follow);
    const follower = await follow.getActor(ctx);
    const target = ctx.parseUri(follow.objectId);
    if (target?.type !== "actor" || follower?.id == null) return;
    followers.get(target.identifier).set(follower.id.href, follower);
    const accept = new Accept({
      id: fresh(),
      actor: follow.objectId,
      to: follower.id,
      object: follow,
    });
    await ctx.sendActivity({ identifier: target.identifier }, follower, accept);
  })
  .on(Undo, async (ctx, undo) => {
    const undone = await undo.getObject(ctx);
    note(undo, { undone: undone?.constructor.name, undoneId: undone?.id?.href });
    if (undone instanceof Follow) {
      const target = ctx.parseUri(undone.objectId);
      if (target?.type === "actor") followers.get(target.identifier).delete(undo.actorId.href);
    }
  })
  .on(Announce, async (ctx, announce) => {
    // Asking for the object makes the library fetch it, signed, or read what is embedded.
    const loader = await ctx.getDocumentLoader({ identifier: "io" });
    const thing = await announce.getObject({ ...ctx, documentLoader: loader, contextLoader: ctx.contextLoader });
    const inner = thing instanceof Activity ? await thing.getObject({ documentLoader: loader, contextLoader: ctx.contextLoader }) : thing;
    note(announce, {
      carries: thing?.constructor.name,
      carriesId: thing?.id?.href,
      shows: inner?.constructor.name,
      showsId: inner?.id?.href,
      content: inner?.content?.toString() ?? null,
    });
  })
  .on(Activity, async (ctx, activity) => {
    const isAboutANote = activity instanceof Create || activity instanceof Update;
    const thing = isAboutANote ? await activity.getObject(ctx) : null;
    note(activity, {
      carries: thing?.constructor.name,
      content: thing instanceof Note ? thing.content?.toString() : null,
    });
  });

// Ids never start over: some servers remember them for a while.
function fresh() {
  return new URL(`/activities/${++count}`, ORIGIN);
}

async function reach(ctx, by, id) {
  const found = await ctx.lookupObject(id, { documentLoader: await ctx.getDocumentLoader({ identifier: by }) });
  if (found == null) throw new Error(`${id} cannot be found`);
  return found;
}

async function send(ctx, by, recipients, activity) {
  await ctx.sendActivity({ identifier: by }, recipients, activity, { immediate: true, fanout: "skip" });
  sent.set(activity.id.href, activity);
  return { id: activity.id.href };
}

function audience(ctx, by, group) {
  return { tos: [PUBLIC_COLLECTION, ...(group ? [group.id] : [])], ccs: [ctx.getFollowersUri(by)] };
}

async function written(ctx, by, id, asked) {
  const group = asked.group ? await reach(ctx, by, asked.group) : null;
  return new Note({
    id: ctx.getObjectUri(Note, { id }),
    attribution: ctx.getActorUri(by),
    ...audience(ctx, by, group),
    ...(group ? { audience: group.id, tags: [new Mention({ href: group.id, name: asked.mention ?? null })] } : {}),
    name: asked.title ?? null,
    content: asked.content,
    replyTarget: asked.answering ? new URL(asked.answering) : null,
    published: notes.get(id)?.published ?? Temporal.Now.instant(),
    updated: notes.has(id) ? Temporal.Now.instant() : null,
    url: ctx.getObjectUri(Note, { id }),
  });
}

const DEEDS = {
  async find(ctx, { by, what }) {
    const found = await reach(ctx, by, what);
    return { type: found.constructor.name, id: found.id.href, document: await found.toJsonLd({ contextLoader: ctx.contextLoader }) };
  },
  async webfinger(ctx, { what }) {
    return await ctx.lookupWebFinger(what);
  },
  async follow(ctx, { by, what }) {
    const target = await reach(ctx, by, what);
    return await send(ctx, by, target, new Follow({
      id: fresh(), actor: ctx.getActorUri(by), object: target.id, to: target.id,
    }));
  },
  async undo(ctx, { by, what, to }) {
    const undone = sent.get(what);
    return await send(ctx, by, await reach(ctx, by, to), new Undo({
      id: fresh(), actor: ctx.getActorUri(by), object: undone, to: new URL(to),
    }));
  },
  async like(ctx, { by, what, to }) {
    const author = await reach(ctx, by, to);
    return await send(ctx, by, author, new Like({
      id: fresh(), actor: ctx.getActorUri(by), object: new URL(what), to: author.id,
    }));
  },
  async post(ctx, { by, to, ...asked }) {
    const id = String(++count);
    const created = await written(ctx, by, id, asked);
    notes.set(id, created);
    const recipients = to ? await reach(ctx, by, to) : [...followers.get(by).values()];
    await send(ctx, by, recipients, new Create({
      id: fresh(), actor: ctx.getActorUri(by), object: created, ...audience(ctx, by, asked.group ? { id: new URL(asked.group) } : null),
    }));
    return { id: created.id.href };
  },
  async edit(ctx, { by, what, to, ...asked }) {
    const id = what.split("/").at(-1);
    const changed = await written(ctx, by, id, asked);
    notes.set(id, changed);
    return await send(ctx, by, await reach(ctx, by, to), new Update({
      id: fresh(), actor: ctx.getActorUri(by), object: changed, ...audience(ctx, by, asked.group ? { id: new URL(asked.group) } : null),
    }));
  },
  async remove(ctx, { by, what, to }) {
    const id = what.split("/").at(-1);
    notes.delete(id);
    gone.set(`/notes/${id}`, what);
    return await send(ctx, by, await reach(ctx, by, to), new Delete({
      id: fresh(), actor: ctx.getActorUri(by), to: PUBLIC_COLLECTION, object: new Tombstone({ id: new URL(what) }),
    }));
  },
  async draft(ctx, { by, ...asked }) {
    // A note that nobody is told about but through the group.
    const id = String(++count);
    notes.set(id, await written(ctx, by, id, { ...asked, group: null }));
    return { id: ctx.getObjectUri(Note, { id }).href };
  },
  async announce(ctx, { by, what, whole, author }) {
    const id = what.split("/").at(-1);
    const inside = whole
      ? new Create({ id: fresh(), actor: ctx.getActorUri(author), object: notes.get(id), ...audience(ctx, author, null) })
      : new URL(what);
    return await send(ctx, by, [...followers.get(by).values()], new Announce({
      id: fresh(), actor: ctx.getActorUri(by), object: inside, ...audience(ctx, by, null),
    }));
  },
  async heard() {
    return heard;
  },
  async followers(_ctx, { of }) {
    return [...followers.get(of).keys()];
  },
};

async function steered(name, text) {
  const ctx = federation.createContext(new URL(ORIGIN), undefined);
  try {
    return Response.json((await DEEDS[name](ctx, JSON.parse(text || "{}"))) ?? {});
  } catch (error) {
    return Response.json({ error: String(error?.stack ?? error) }, { status: 500 });
  }
}

async function answer(request) {
  const path = new URL(request.url).pathname;
  if (path.startsWith("/control/")) return await steered(path.split("/")[2], await request.text());
  if (sent.has(request.url)) {
    const document = await sent.get(request.url).toJsonLd();
    return Response.json(document, { headers: { "Content-Type": "application/activity+json" } });
  }
  if (gone.has(path)) {
    return Response.json(
      { "@context": "https://www.w3.org/ns/activitystreams", id: gone.get(path), type: "Tombstone" },
      { status: 410, headers: { "Content-Type": "application/activity+json" } },
    );
  }
  const isSigned = request.headers.has("signature");
  if (ONLY_9421 === "1" && isSigned && !request.headers.has("signature-input")) {
    return new Response("The signature is of a kind that is not taken here.", { status: 401 });
  }
  return await federation.fetch(request, {
    contextData: undefined,
    onNotFound: () => new Response("Not found", { status: 404 }),
    onNotAcceptable: () => new Response("Not acceptable", { status: 406 }),
  });
}

createServer(async (incoming, outgoing) => {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  // The address as it was signed: the terminator speaks plain http to us.
  const request = new Request(new URL(incoming.url, ORIGIN), {
    method: incoming.method,
    headers: Object.entries(incoming.headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one])),
    body: parts.length > 0 ? Buffer.concat(parts) : undefined,
  });
  const response = await answer(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
