// The two ways to Docket: HTTP by urql, and a WebSocket by graphql-ws. The session is a cookie that goes with both.
import { createClient as createSocket } from "graphql-ws";
import { Client, fetchExchange } from "urql";

/** A URL of the Docket that has served this page, wherever a proxy has put it. */
export const docketUrl = (path: string) => new URL(`../${path}`, document.baseURI).href;

export const client = new Client({
  url: docketUrl("graphql"),
  exchanges: [fetchExchange],
  preferGetMethod: false,
  requestPolicy: "network-only",
});

/** Connects when something is subscribed to. Whoever subscribes connects again, because only they know the sync token. */
export const openSocket = () =>
  createSocket({ url: docketUrl("graphql").replace(/^http/, "ws"), lazyCloseTimeout: 0, retryAttempts: 0, keepAlive: 10_000 });
