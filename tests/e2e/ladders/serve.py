"""Owns a web server on 127.0.0.1 that answers byte ranges and remembers what was asked for, so that a
player which skips over what it cannot get is found out."""

import http.server
import os
import re
import threading
import urllib.parse

TYPES = {'.m3u8': 'application/vnd.apple.mpegurl', '.mp4': 'video/mp4', '.jpg': 'image/jpeg',
         '.html': 'text/html', '.mjs': 'text/javascript', '.js': 'text/javascript'}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        name = urllib.parse.unquote(self.path.partition('?')[0])
        mount, _, rest = name.lstrip('/').partition('/')
        folder = self.server.mounts.get(mount)
        path = os.path.join(folder or '', rest)
        if folder is None or '..' in rest.split('/') or not os.path.isfile(path):
            self.server.note(404, name, 0, 0)
            self.answer(404, b'', {})
            return
        with open(path, 'rb') as file:
            data = file.read()
        first, end, status, headers = 0, len(data), 200, {'Accept-Ranges': 'bytes'}
        asked = re.fullmatch(r'bytes=(\d+)-(\d*)', self.headers.get('Range', ''))
        if asked:
            first = int(asked[1])
            end = min(int(asked[2]) + 1 if asked[2] else len(data), len(data))
            if first >= end:
                self.server.note(416, name, 0, 0)
                self.answer(416, b'', {'Content-Range': f'bytes */{len(data)}'})
                return
            status = 206
            headers['Content-Range'] = f'bytes {first}-{end - 1}/{len(data)}'
        headers['Content-Type'] = TYPES.get(os.path.splitext(name)[1], 'application/octet-stream')
        self.server.note(status, name, first, end)
        self.answer(status, data[first:end], headers)

    do_HEAD = do_GET

    def answer(self, status, data, headers):
        try:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            if self.command != 'HEAD':
                self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True  # Players hang up when they have what they want.

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, mounts):
        super().__init__(('127.0.0.1', 0), Handler)
        self.mounts = mounts
        self.lock = threading.Lock()
        self.seen = []

    def handle_error(self, *_):
        pass

    def note(self, status, name, first, end):
        with self.lock:
            self.seen.append((status, name, first, end))

    def forget(self):
        with self.lock:
            self.seen = []

    def refused(self):
        """What was asked for in vain, but for the icon that browsers ask for."""
        with self.lock:
            return sorted({f'{status} {name}' for status, name, _, _ in self.seen
                           if status >= 400 and name != '/favicon.ico'})

    def was_read(self, name, size):
        """Whether every byte of a file was asked for."""
        with self.lock:
            spans = sorted((first, end) for status, seen, first, end in self.seen
                           if seen == name and status < 400)
        reached = 0
        for first, end in spans:
            if first > reached:
                return False
            reached = max(reached, end)
        return reached >= size

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.1})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()
