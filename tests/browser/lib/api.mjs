/* Owns the way to the server beside the browser: setting a scene, and reading back what was counted. */

export class Person {
  constructor(base, kept) {
    this.base = base;
    this.token = kept.token;
    this.id = kept.user.id;
    this.name = kept.user.name;
  }

  static async signIn(base, name) {
    const answer = await fetch(`${base}/v1/token`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    if (!answer.ok) throw new Error(`POST /v1/token: ${answer.status} ${await answer.text()}`);
    return new Person(base, await answer.json());
  }

  async ask(method, path, { body, headers = {}, want } = {}) {
    const answer = await fetch(this.base + path, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...headers },
      body,
    });
    const ok = want ? answer.status === want : answer.ok;
    if (!ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async get(path) {
    return (await this.ask('GET', path)).json();
  }

  async send(method, path, value) {
    const answer = await this.ask(method, path, {
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(value),
    });
    return answer.status === 204 ? null : answer.json();
  }

  /** Posts a video over tus in one go; gives the reel's ID. */
  async post(bytes, caption, visibility = 'public') {
    const pair = (key, value) => `${key} ${Buffer.from(value).toString('base64')}`;
    const begun = await this.ask('POST', '/v1/uploads', {
      want: 201,
      headers: {
        'Tus-Resumable': '1.0.0',
        'Upload-Length': String(bytes.length),
        'Upload-Metadata': [pair('filename', 'clip.mp4'), pair('caption', caption), pair('visibility', visibility)].join(','),
      },
    });
    await this.ask('PATCH', new URL(begun.headers.get('Location'), this.base).pathname, {
      want: 204,
      headers: { 'Tus-Resumable': '1.0.0', 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' },
      body: bytes,
    });
    return begun.headers.get('Reel-Id');
  }

  reel(reelId) {
    return this.get(`/v1/reels/${reelId}`);
  }
}
