/* Owns the way to the server: every request under /v1 but the bytes of uploads goes through here.
 * A refused token ends the session; other failures are thrown as ApiError. */

import { Emitter, load, save } from './store.js';

export class ApiError extends Error {
  constructor(status, code, message, retryAfterS = 0) {
    super(message);
    this.name = 'ApiError';
    this.status = status; /* 0 = the server was not reached */
    this.code = code;
    this.retryAfterS = retryAfterS;
  }

  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const GET_TRIES = 3;
const WAIT_S_MAX = 5;

export const session = new (class extends Emitter {
  #kept = load('session');

  get token() {
    return this.#kept?.token ?? null;
  }

  get user() {
    return this.#kept?.user ?? null;
  }

  begin(kept) {
    this.#kept = kept;
    save('session', kept);
    this.emit('change');
  }

  end(reason = '') {
    if (!this.#kept) return;
    this.#kept = null;
    save('session', null);
    this.emit('change', reason);
  }
})();

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function once(method, path, { body, signal, keepalive } = {}) {
  const headers = {};
  const token = session.token;
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      signal,
      keepalive,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'offline', 'The server cannot be reached.');
  }
  if (response.status === 204) return null;
  let answer = null;
  try {
    answer = await response.json();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (response.ok) throw new ApiError(0, 'unreadable', 'The answer of the server cannot be read.');
  }
  if (response.ok) return answer;
  if (response.status === 401 && token && token === session.token) session.end('expired');
  throw new ApiError(
    response.status,
    answer?.error?.code ?? 'unknown',
    answer?.error?.message ?? `The server answered ${response.status}.`,
    Number(response.headers.get('Retry-After')) || 0,
  );
}

/** Asks once; GET, which changes nothing, up to three times when the failure may pass. */
export async function request(method, path, options = {}) {
  for (let tries = 1; ; tries++) {
    try {
      return await once(method, path, options);
    } catch (error) {
      const again = error instanceof ApiError && error.mayPass && method === 'GET' && tries < GET_TRIES;
      if (!again) throw error;
      await pause(1000 * Math.min(WAIT_S_MAX, error.retryAfterS || 0.4 * tries * tries));
    }
  }
}

const id = encodeURIComponent;
const paged = (path, cursor) => (cursor ? `${path}?cursor=${id(cursor)}` : path);

export const api = {
  signIn: (name) => request('POST', '/v1/token', { body: { name } }),
  me: () => request('GET', '/v1/me'),
  saved: (cursor) => request('GET', paged('/v1/me/saved', cursor)),
  feed: (cursor, hints) => request('GET', `/v1/feed?${new URLSearchParams({ ...hints, ...(cursor ? { cursor } : {}) })}`),
  reel: (reelId, options) => request('GET', `/v1/reels/${id(reelId)}`, options),
  deleteReel: (reelId) => request('DELETE', `/v1/reels/${id(reelId)}`),
  setReel: (reelId, relation, on) => request(on ? 'PUT' : 'DELETE', `/v1/reels/${id(reelId)}/${relation}`),
  comments: (reelId, cursor) => request('GET', paged(`/v1/reels/${id(reelId)}/comments`, cursor)),
  addComment: (reelId, text) => request('POST', `/v1/reels/${id(reelId)}/comments`, { body: { text } }),
  deleteComment: (reelId, commentId) => request('DELETE', `/v1/reels/${id(reelId)}/comments/${id(commentId)}`),
  user: (userId) => request('GET', `/v1/users/${id(userId)}`),
  userReels: (userId, cursor) => request('GET', paged(`/v1/users/${id(userId)}/reels`, cursor)),
  setUser: (userId, relation, on) => request(on ? 'PUT' : 'DELETE', `/v1/users/${id(userId)}/${relation}`),
  events: (events, options) => request('POST', '/v1/events', { body: { events }, ...options }),
};
