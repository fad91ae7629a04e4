"""Owns the server under test and a client that says exactly what it is told."""

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

EXECUTABLE = None
MEDIA_WORKER = None
FOLDER = tempfile.mkdtemp(prefix='reels-server-')
CLIP = None


def configure(executable, media_worker):
    global EXECUTABLE, MEDIA_WORKER
    EXECUTABLE = os.path.abspath(executable)
    MEDIA_WORKER = os.path.abspath(media_worker)


def clean():
    shutil.rmtree(FOLDER, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def has_media():
    """A build without the media engine has no worker, and nobody who could tell a clip from a letter."""
    return os.path.exists(MEDIA_WORKER)


def clip():
    """A vertical clip of 4 s, or None without ffmpeg or in a build without a media worker."""
    global CLIP
    path = os.path.join(FOLDER, 'clip.mp4')
    if CLIP is None and shutil.which('ffmpeg') and has_media():
        subprocess.run(
            ['ffmpeg', '-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'testsrc2=size=270x480:rate=30:duration=4',
             '-f', 'lavfi', '-i', 'sine=duration=4', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p',
             '-c:a', 'aac', '-movflags', '+faststart', path], check=True)
        with open(path, 'rb') as file:
            CLIP = file.read()
    return CLIP


class Server:
    def __init__(self, name, *options):
        self.data = os.path.join(FOLDER, name)
        self.log = os.path.join(FOLDER, name + '.log')
        self.options = options
        self.port = free_port()
        self.start()

    def start(self):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                [EXECUTABLE, '--data', self.data, '--port', str(self.port), '--media-worker', MEDIA_WORKER,
                 '--window-ms', '50', *self.options], stdout=log, stderr=log)
        self.wait(lambda: self.ask('GET', '/healthz').status == 200)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(60)

    def wait(self, condition, seconds=120):
        """Waits for a condition, not for time; the bound only ends a test that cannot succeed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError('the server has ended: ' + open(self.log).read()[-2000:])
            try:
                if condition():
                    return
            except (ConnectionError, http.client.HTTPException, OSError):
                pass
            time.sleep(0.05)
        raise AssertionError('the condition never came')

    def ask(self, method, path, body=None, token=None, headers=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        sent = dict(headers or {})
        if token is not None:
            sent['Authorization'] = 'Bearer ' + token
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            sent.setdefault('Content-Type', 'application/json')
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        answer.body = answer.read()
        answer.json = None
        if answer.headers.get('Content-Type', '').startswith('application/json') and answer.body:
            answer.json = json.loads(answer.body)
        connection.close()
        return answer

    def sign_in(self, name):
        answer = self.ask('POST', '/v1/token', {'name': name})
        assert answer.status == 200, answer.body
        return answer.json['token'], answer.json['user']['id']

    def open(self, method, path, token, length, begin=b'', **headers):
        """A connection on which a request has begun: its headers, and so many bytes of its body."""
        raw = socket.create_connection(('127.0.0.1', self.port), timeout=60)
        sent = {'Host': 'x', 'Authorization': 'Bearer ' + token, 'Tus-Resumable': '1.0.0', 'Content-Length': str(length),
                'Content-Type': 'application/offset+octet-stream'}
        sent.update({name.replace('_', '-'): value for name, value in headers.items()})
        lines = [f'{method} {path} HTTP/1.1'] + [f'{name}: {value}' for name, value in sent.items()]
        raw.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode() + begin)
        return raw

    @staticmethod
    def answer(raw):
        """The status and the code of what is answered on it."""
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        body = answer.read()
        return answer.status, json.loads(body)['error']['code'] if body else None

    def create(self, token, length, metadata='', **headers):
        sent = {'Tus-Resumable': '1.0.0', 'Upload-Metadata': metadata}
        if length is not None:
            sent['Upload-Length'] = str(length)
        sent.update({name.replace('_', '-'): value for name, value in headers.items()})
        return self.ask('POST', '/v1/uploads', None, token, sent)

    def append(self, token, location, offset, data, **headers):
        sent = {'Tus-Resumable': '1.0.0', 'Upload-Offset': str(offset), 'Content-Type': 'application/offset+octet-stream'}
        sent.update({name.replace('_', '-'): value for name, value in headers.items()})
        return self.ask('PATCH', location, data, token, sent)

    def where(self, token, location):
        return self.ask('HEAD', location, None, token, {'Tus-Resumable': '1.0.0'})

    def upload(self, token, data, metadata=''):
        answer = self.create(token, len(data), metadata)
        assert answer.status == 201, answer.body
        sent = self.append(token, answer.headers['Location'], 0, data)
        assert sent.status == 204, (sent.status, sent.body)
        return answer.headers['Reel-Id']

    def ready(self, token, data, metadata=''):
        reel = self.upload(token, data, metadata)
        states = []

        def is_done():
            states.append(self.ask('GET', '/v1/reels/' + reel, None, token).json)
            return states[-1]['state'] in ('READY', 'FAILED')
        self.wait(is_done)
        assert states[-1]['state'] == 'READY', states[-1]
        return reel


def pair(key, value):
    raw = value if isinstance(value, bytes) else value.encode()
    return key + ' ' + base64.b64encode(raw).decode()
