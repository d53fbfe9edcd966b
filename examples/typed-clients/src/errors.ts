/** What Docket's errors carry beside their message. */
export type ErrorExtensions = {
  /** A name of the enum `ErrorCode`. */
  code: string;
  /** BAD_USER_INPUT: the first field, and all of them with a message each. */
  field?: string;
  problems?: { field: string; message: string; path?: (string | number)[] }[];
  /** The entry of a list of the input that it is about, the first one, from 0. */
  index?: number;
  /** CONFLICT: the current state, with `deleted`. */
  current?: Record<string, unknown>;
  /** QUERY_TOO_EXPENSIVE. */
  limit?: string;
  most?: number;
  cost?: number;
  /** RATE_LIMITED, SERVICE_UNAVAILABLE: seconds. */
  retryAfter?: number;
};
