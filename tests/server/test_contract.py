"""Holds the server against its contract, and against clients that break it."""

import base64
import hashlib
import hmac
import json
import re
import signal
import socket
import time
import unittest

import platform_server
from platform_server import Server, pair

SECRET_CAPTION = 'my very own words'


def jwt(key, claims, header=None):
    def text(part):
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b'=')
    signed = text(header or {'alg': 'HS256', 'typ': 'JWT'}) + b'.' + text(claims)
    mac = base64.urlsafe_b64encode(hmac.new(key, signed, hashlib.sha256).digest()).rstrip(b'=')
    return (signed + b'.' + mac).decode()


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server('contract')
        cls.ada, cls.ada_id = cls.server.sign_in('ada')
        cls.bob, cls.bob_id = cls.server.sign_in('bob')
        cls.clip = platform_server.clip()
        cls.reel = cls.server.ready(cls.ada, cls.clip, pair('caption', SECRET_CAPTION)) if cls.clip else None

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.ask = self.server.ask

    def refuse(self, answer, status, code=None):
        self.assertEqual(answer.status, status, answer.body)
        self.assertRegex(answer.json['error']['code'], r'^[a-z0-9_]+$')
        self.assertTrue(answer.json['error']['message'])
        if code:
            self.assertEqual(answer.json['error']['code'], code)

    def need_reel(self):
        if self.reel is None:
            self.skipTest('no clip: neither without ffmpeg nor in a build without the media engine')

    # ---- tokens ----

    def test_tokens_that_are_missing_wrong_unsigned_or_old(self):
        key = open(self.server.data + '/token.key', 'rb').read()
        now = int(time.time())
        good = {'sub': self.ada_id, 'name': 'ada', 'iat': now, 'exp': now + 60}
        self.assertEqual(self.ask('GET', '/v1/me', None, jwt(key, good)).json['id'], self.ada_id)
        self.refuse(self.ask('GET', '/v1/me'), 401, 'token_missing')
        self.refuse(self.ask('GET', '/v1/me', None, 'x.y.z'), 401, 'token_bad')
        self.refuse(self.ask('GET', '/v1/me', None, 'a' * 8000), 401, 'token_bad')
        self.refuse(self.ask('GET', '/v1/me', None, jwt(b'k' * 32, good)), 401, 'token_bad')
        unsigned = jwt(key, good, {'alg': 'none'}).rsplit('.', 1)[0] + '.'
        self.refuse(self.ask('GET', '/v1/me', None, unsigned), 401, 'token_bad')
        self.refuse(self.ask('GET', '/v1/me', None, jwt(key, dict(good, exp=now - 1))), 401, 'token_expired')
        self.refuse(self.ask('GET', '/v1/me', None, jwt(key, dict(good, sub='-1'))), 401, 'token_bad')
        self.assertEqual(self.ask('GET', '/v1/me').headers['WWW-Authenticate'], 'Bearer')
        for claims in ({'exp': now + 60.5}, {'nbf': now - 1}, {'nbf': now - 0.5}, {'exp': 1e300}):
            self.assertEqual(self.ask('GET', '/v1/me', None, jwt(key, dict(good, **claims))).status, 200, claims)
        self.refuse(self.ask('GET', '/v1/me', None, jwt(key, dict(good, exp=now - 0.5))), 401, 'token_expired')
        for claims in ({'nbf': now + 60}, {'nbf': now + 60.5}, {'nbf': 'now'}, {'exp': str(now + 60)}, {'exp': None}, {'exp': True}):
            self.refuse(self.ask('GET', '/v1/me', None, jwt(key, dict(good, **claims))), 401, 'token_bad')
        del good['exp']
        self.refuse(self.ask('GET', '/v1/me', None, jwt(key, good)), 401, 'token_bad')

    def test_the_same_name_in_any_case_is_the_same_person(self):
        self.assertEqual(self.server.sign_in('ADA')[1], self.ada_id)
        for name in ('', 'a b', 'ada\0', 'x' * 31, 'é', '../..'):
            self.refuse(self.ask('POST', '/v1/token', {'name': name}), 422, 'invalid_value')

    # ---- paths, methods, bodies ----

    def test_paths_and_methods_that_are_not_there(self):
        self.refuse(self.ask('GET', '/v1/nothing', None, self.ada), 404, 'not_found')
        answer = self.ask('DELETE', '/v1/feed', None, self.ada)
        self.refuse(answer, 405)
        self.assertIn('GET', answer.headers['Allow'])
        for path in ('/assets/../index.html', '/assets/%2e%2e/index.html', '/assets//etc/passwd'):
            self.refuse(self.ask('GET', path), 404)
        for path in ('/', '/assets/js/main.js', '/openapi.yaml', '/healthz', '/v1/me'):
            self.assertEqual(self.ask('GET', path, None, self.ada).status, 200, path)
            for tail in ('%00', '%00.png', '%00/'):
                self.refuse(self.ask('GET', path + tail, None, self.ada), 404, 'not_found')
        self.assertEqual(self.ask('GET', '/%61ssets/js/m%61in.js').status, 200)
        for path in ('/%', '/%6', '/%zz', '/%0', '/v1/me%'):
            self.refuse(self.ask('GET', path, None, self.ada), 404, 'not_found')
        for ident in ('0', '99', '-1', 'abc', '9' * 19, '1' * 30, '%00'):
            self.refuse(self.ask('GET', '/v1/reels/' + ident, None, self.ada), 404)
            self.refuse(self.ask('GET', '/v1/users/' + ident, None, self.ada), 404)
            self.refuse(self.ask('PUT', '/v1/reels/' + ident + '/like', None, self.ada), 404)

    def test_json_that_is_broken_deep_large_or_no_json(self):
        def send(body, kind='application/json'):
            return self.ask('POST', '/v1/events', body, self.ada, {'Content-Type': kind})
        self.refuse(send(b'{"events":'), 400, 'bad_json')
        self.refuse(send(b'[' * 30000), 400, 'bad_json')
        self.refuse(send(b'{"a":' * 17 + b'1' + b'}' * 17), 400, 'bad_json')
        self.refuse(send(b'\xff\xfe'), 400, 'bad_json')
        self.refuse(send(b'{"a":1,"a":2}'), 400, 'bad_json')
        self.refuse(send(b'[]'), 422)
        self.refuse(send(b' ' * 65537), 413, 'too_large')
        for kind in ('text/plain', 'application/jsonx', 'application/json+x'):
            self.refuse(send(b'{}', kind), 415, 'content_type')
        for kind in ('Application/JSON', 'application/json;charset=utf-8', 'application/json ; charset=utf-8'):
            self.refuse(send(b'{}', kind), 422, 'invalid_value')
        self.refuse(send(b'{}'), 422, 'invalid_value')

    def test_a_megabyte_deep_body_ends_soon(self):
        answer = self.ask('POST', '/v1/events', b'[' * 1048576, self.ada, {'Content-Type': 'application/json'})
        self.refuse(answer, 413, 'too_large')

    # ---- tus ----

    def test_tus_says_what_it_can(self):
        answer = self.ask('OPTIONS', '/v1/uploads')
        self.assertEqual(answer.status, 204)
        for extension in ('creation', 'creation-with-upload', 'creation-defer-length', 'checksum', 'expiration', 'termination'):
            self.assertIn(extension, answer.headers['Tus-Extension'].split(','))
        self.assertGreater(int(answer.headers['Tus-Max-Size']), 0)

    def test_tus_goes_on_where_it_stopped(self):
        data = bytes(range(256)) * 40
        location = self.server.create(self.ada, len(data)).headers['Location']
        answer = self.server.append(self.ada, location, 0, data[:500])
        self.assertIn(answer.status, (204, 415))  # not media: it may be refused at once
        location = self.server.create(self.ada, 3_000_000, pair('filename', 'a.mp4')).headers['Location']
        head = (self.clip or b'\0' * 100000)[:20000]
        self.assertEqual(self.server.append(self.ada, location, 0, head[:10000]).status, 204)
        answer = self.server.where(self.ada, location)
        self.assertEqual(answer.headers['Upload-Offset'], '10000')
        self.assertEqual(answer.headers['Upload-Length'], '3000000')
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')
        self.assertIn(pair('filename', 'a.mp4'), answer.headers['Upload-Metadata'])
        answer = self.server.append(self.ada, location, 9999, b'x')
        self.refuse(answer, 409, 'offset_mismatch')
        self.assertEqual(answer.headers['Upload-Offset'], '10000')
        wrong = base64.b64encode(hashlib.sha1(b'other').digest()).decode()
        answer = self.server.append(self.ada, location, 10000, head[10000:], Upload_Checksum='sha1 ' + wrong)
        self.refuse(answer, 460, 'checksum_mismatch')
        right = base64.b64encode(hashlib.sha1(head[10000:]).digest()).decode()
        answer = self.server.append(self.ada, location, 10000, head[10000:], Upload_Checksum='sha1 ' + right)
        self.assertEqual((answer.status, answer.headers['Upload-Offset']), (204, '20000'))
        answer = self.server.append(self.ada, location, 20000, b'x', Content_Type='text/plain')
        self.refuse(answer, 415, 'content_type')
        self.refuse(self.server.append(self.ada, location, 20000, b'x', Tus_Resumable='0.2'), 412, 'tus_version')
        self.refuse(self.server.append(self.ada, location, 20000, b'x', Upload_Checksum='md5 eA=='), 400)
        self.refuse(self.server.append(self.bob, location, 20000, b'x'), 403, 'not_yours')
        self.assertEqual(self.server.where(self.bob, location).status, 403)
        for method, token in (('HEAD', self.bob), ('DELETE', self.bob), ('PATCH', self.bob), ('HEAD', None), ('DELETE', None)):
            answer = self.ask(method, location, None, token, {'Tus-Resumable': '1.0.0'})
            self.assertGreaterEqual(answer.status, 400)
            self.assertEqual(answer.headers['Tus-Resumable'], '1.0.0', (method, answer.status))
        gone = self.ask('DELETE', location, None, self.ada, {'Tus-Resumable': '1.0.0'})
        self.assertEqual(gone.status, 204)
        self.assertEqual(self.server.where(self.ada, location).status, 404)
        self.refuse(self.server.append(self.ada, location, 20000, b'x'), 404, 'not_found')
        self.refuse(self.ask('DELETE', location, None, self.ada, {'Tus-Resumable': '1.0.0'}), 404, 'not_found')
        location = self.server.create(self.ada, None, Upload_Defer_Length='1').headers['Location']
        self.refuse(self.server.append(self.ada, location, 0, b'', Upload_Length='0'), 422, 'invalid_value')
        self.assertEqual(self.server.append(self.ada, location, 0, b'', Content_Type='Application/Offset+octet-stream').status, 204)
        self.ask('DELETE', location, None, self.ada, {'Tus-Resumable': '1.0.0'})

    def test_tus_keeps_what_came_before_the_connection_broke(self):
        if self.clip is None:
            self.skipTest('no ffmpeg to make a clip with')
        answer = self.server.create(self.ada, len(self.clip))
        location = answer.headers['Location']
        with socket.create_connection(('127.0.0.1', self.server.port)) as raw:
            raw.sendall((f'PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.ada}\r\n'
                         'Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n'
                         f'Content-Length: {len(self.clip)}\r\n\r\n').encode() + self.clip[:30000])
        self.server.wait(lambda: self.server.where(self.ada, location).headers['Upload-Offset'] == '30000')
        rest = self.server.append(self.ada, location, 30000, self.clip[30000:])
        self.assertEqual(rest.status, 204, rest.body)

    CHECKSUM = 'sha1 ' + base64.b64encode(hashlib.sha1(b'other').digest()).decode()

    def test_tus_refuses_a_body_that_is_too_long_before_it_comes(self):
        dan, _ = self.server.sign_in('dan')
        location = self.server.create(dan, 60 * 1048576).headers['Location']
        for length, headers in ((60 * 1048576 + 1, {}), (8 * 1048576 + 1, {'Upload_Checksum': self.CHECKSUM}),
                                (60 * 1048576, {'Upload_Checksum': self.CHECKSUM})):
            with self.server.open('PATCH', location, dan, length, Upload_Offset='0', Expect='100-continue', **headers) as raw:
                self.assertEqual(self.server.answer(raw), (413, 'too_large'), headers)
        location = self.server.create(dan, None, Upload_Defer_Length='1').headers['Location']
        with self.server.open('PATCH', location, dan, 2 ** 28 + 1, Upload_Offset='0', Expect='100-continue') as raw:
            self.assertEqual(self.server.answer(raw), (413, 'too_large'))
        self.assertEqual(self.server.where(dan, location).headers['Upload-Offset'], '0')
        if self.clip:
            data = self.clip[:100000] + bytes(8 * 1048576 - 100000)
            right = 'sha1 ' + base64.b64encode(hashlib.sha1(data).digest()).decode()
            self.assertEqual(self.server.append(dan, location, 0, data, Upload_Checksum=right).status, 204)

    def begin_write(self, token, location, length, data, **headers):
        """A connection whose PATCH has the upload, which the server says by asking for the body."""
        raw = self.server.open('PATCH', location, token, length, Upload_Offset='0', Expect='100-continue', **headers)
        said = b''
        while not said.endswith(b'\r\n\r\n'):
            said += raw.recv(1)
        self.assertTrue(said.startswith(b'HTTP/1.1 100 '), said)
        raw.sendall(data)
        return raw

    def test_tus_lets_one_request_write_to_an_upload(self):
        dan, _ = self.server.sign_in('dan')
        location = self.server.create(dan, 5000000).headers['Location']
        first = self.begin_write(dan, location, 1000, b'x' * 10, Upload_Checksum=self.CHECKSUM)
        second = self.server.open('PATCH', location, dan, 1000, Upload_Offset='0', Upload_Checksum=self.CHECKSUM, Expect='100-continue')
        self.assertEqual(self.server.answer(second), (423, 'upload_locked'))  # not a byte of its body was asked for
        second.close()
        self.refuse(self.server.append(self.bob, location, 0, b'x'), 403, 'not_yours')
        first.sendall(b'x' * 990)
        self.assertEqual(self.server.answer(first), (460, 'checksum_mismatch'))
        first.close()
        self.assertEqual(self.server.append(dan, location, 0, b'').status, 204)

    def test_tus_goes_on_when_the_last_connection_was_left_without_a_word(self):
        if self.clip is None:
            self.skipTest('no ffmpeg to make a clip with')
        dan, _ = self.server.sign_in('dan')
        location = self.server.create(dan, 5000000).headers['Location']
        with self.begin_write(dan, location, 5000000, self.clip[:30000]):
            self.server.wait(lambda: self.server.append(dan, location, 30000, b'').status == 204, 30)

    def test_tus_keeps_no_upload_that_its_client_never_heard_of(self):
        kim, kim_id = self.server.sign_in('kim')

        def create(length, data, **headers):
            sent = dict({'Tus-Resumable': '1.0.0', 'Upload-Length': str(length), 'Content-Type': 'application/offset+octet-stream'},
                        **{name.replace('_', '-'): value for name, value in headers.items()})
            return self.ask('POST', '/v1/uploads', data, kim, sent)
        for _ in range(17):
            self.refuse(create(5000, b'x' * 1000, Upload_Checksum=self.CHECKSUM), 460, 'checksum_mismatch')
            self.refuse(create(10, b'x' * 11), 413, 'too_large')
            self.refuse(create(10, iter([b'x' * 11])), 413, 'too_large')  # told of no length
            with self.server.open('POST', '/v1/uploads', kim, 5000, b'x' * 10, Upload_Length='5000'):
                pass
        if platform_server.has_media():
            data = b'hello, this is a letter\n' * 200
            right = 'sha1 ' + base64.b64encode(hashlib.sha1(data).digest()).decode()
            for _ in range(17):
                self.refuse(create(len(data), data), 415, 'content_type')
                self.refuse(create(len(data), data, Upload_Checksum=right), 415, 'content_type')
        self.server.wait(lambda: self.reels_of(kim, kim_id)[1] == [], 10)
        self.assertEqual(create(5000, None).status, 201)

    def test_an_answer_in_the_middle_of_a_body_is_heard(self):
        if not platform_server.has_media():
            self.skipTest('a build without the media engine')
        dan, _ = self.server.sign_in('dan')
        location = self.server.create(dan, 12000000).headers['Location']
        self.refuse(self.server.append(dan, location, 0, b'hello there\n' * 1000000), 415, 'content_type')

    def test_tus_refuses_what_it_cannot_take(self):
        def create(length=10, metadata='', **headers):
            return self.server.create(self.ada, length, metadata, **headers)
        self.refuse(create(10 ** 12), 413, 'too_large')
        self.refuse(create(0), 400)
        self.refuse(create(None), 400)
        self.refuse(create(10, Upload_Defer_Length='1'), 400)
        self.refuse(create('ten'), 400)
        self.refuse(create(10, pair('caption', b'\xff\xfe')), 422)
        self.refuse(create(10, pair('caption', 'a' * 2201)), 422)
        self.refuse(create(10, pair('filename', 'a' * 256)), 422)
        self.refuse(create(10, pair('visibility', 'friends')), 422)
        self.refuse(create(10, 'caption ***'), 400)
        self.refuse(create(10, Upload_Concat='partial'), 400)

    def test_what_is_no_media_is_refused_and_leaves_nothing(self):
        if not platform_server.has_media():
            self.skipTest('a build without the media engine')
        _, before = self.reels_of(self.bob, self.bob_id)
        for data in (b'hello, this is a letter\n' * 200, b'\0' * 4000, b'<html>' + b'x' * 4000):
            answer = self.server.create(self.bob, len(data))
            sent = self.server.append(self.bob, answer.headers['Location'], 0, data)
            self.refuse(sent, 415)
            reel = answer.headers['Reel-Id']
            self.refuse(self.ask('GET', '/v1/reels/' + reel, None, self.bob), 404)
        self.assertEqual(self.reels_of(self.bob, self.bob_id)[1], before)

    def test_why_a_reel_failed_is_told_by_a_code(self):
        self.need_reel()
        import os
        import subprocess
        path = os.path.join(platform_server.FOLDER, 'long.mkv')
        subprocess.run(['ffmpeg', '-v', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=2:duration=100',
                        '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p',
                        '-f', 'matroska', '-live', '1', path], check=True)  # a header that tells no length
        with open(path, 'rb') as file:
            reel = self.server.upload(self.ada, file.read())

        def state():
            return self.ask('GET', '/v1/reels/' + reel, None, self.ada).json
        self.server.wait(lambda: state()['state'] == 'FAILED')
        self.assertEqual(state()['failure']['code'], 'too_long', state())

    # ---- reels, feed, relations ----

    def reels_of(self, token, user):
        answer = self.ask('GET', f'/v1/users/{user}/reels', None, token)
        self.assertEqual(answer.status, 200, answer.body)
        return answer, [item['id'] for item in answer.json['items']]

    def test_reel_feed_and_media(self):
        self.need_reel()
        reel = self.ask('GET', '/v1/reels/' + self.reel, None, self.bob).json
        self.assertEqual(reel['caption'], SECRET_CAPTION)
        self.assertEqual(reel['creator']['name'], 'ada')
        feed = self.ask('GET', '/v1/feed', None, self.bob).json
        self.assertIn(self.reel, [item['id'] for item in feed['items']])
        steps = [step for step in feed['prefetch'] if step['reel_id'] == self.reel]
        self.assertTrue(any(step['range'] for step in steps))
        for step in steps:
            got = self.ask('GET', step['url'], headers={'Range': step['range']} if step['range'] else {})
            self.assertEqual(got.status, 206 if step['range'] else 200)
            if step['range']:
                self.assertEqual(len(got.body), step['bytes'])
        master = self.ask('GET', reel['playlist_url'])
        self.assertTrue(master.body.startswith(b'#EXTM3U'))
        self.assertTrue(master.headers['Cache-Control'].startswith('private'))
        cover = self.ask('GET', reel['cover_url'])
        self.assertEqual(cover.body[:2], b'\xff\xd8')
        self.assertIn('immutable', cover.headers['Cache-Control'])
        script = self.ask('GET', '/assets/js/main.js').headers['ETag']
        for url, tag in ((reel['cover_url'], cover.headers['ETag']), ('/assets/js/main.js', script)):
            for known in (tag, 'W/' + tag, '"x", ' + tag, f'"x,y" ,W/"z",W/{tag}, "q"', '*'):
                for more in ({}, {'Range': 'bytes=0-9'}, {'Range': 'bytes=99999999-'}):
                    again = self.ask('GET', url, headers=dict(more, **{'If-None-Match': known}))
                    self.assertEqual((again.status, again.headers['ETag'], again.body), (304, tag, b''), known)
            for known in ('"x"', tag[:-1], tag.strip('"'), '"x", W/"y"', '', ',', 'x, ' + tag):
                self.assertEqual(self.ask('GET', url, headers={'If-None-Match': known}).status, 200, known)

    def test_media_ranges_and_tokens(self):
        self.need_reel()
        url = self.ask('GET', '/v1/reels/' + self.reel, None, self.bob).json['cover_url']
        whole = self.ask('GET', url).body
        for text, status, part in (('bytes=0-9', 206, whole[:10]), ('bytes=-5', 206, whole[-5:]),
                                   ('bytes=10-', 206, whole[10:]), ('bytes=5-4', 200, whole), ('bytes=0-1,3-4', 200, whole),
                                   ('lines=1-2', 200, whole), ('bytes=0-999999999', 206, whole)):
            got = self.ask('GET', url, headers={'Range': text})
            self.assertEqual((got.status, got.body), (status, part), text)
        tag = self.ask('HEAD', url).headers['ETag']
        for known, status, part in ((tag, 206, whole[:10]), ('"x"', 200, whole), ('W/' + tag, 200, whole),
                                    ('Sat, 01 Jan 2100 00:00:00 GMT', 200, whole)):
            got = self.ask('GET', url, headers={'Range': 'bytes=0-9', 'If-Range': known})
            self.assertEqual((got.status, got.body), (status, part), known)
        got = self.ask('GET', url, headers={'Range': 'bytes=99999999-', 'If-Range': '"x"'})
        self.assertEqual((got.status, got.body), (200, whole))
        self.refuse(self.ask('GET', url + '%00'), 404)
        self.refuse(self.ask('GET', url + '%00.jpg'), 404)
        beyond = self.ask('GET', url, headers={'Range': f'bytes={len(whole)}-'})
        self.refuse(beyond, 416)
        self.assertEqual(beyond.headers['Content-Range'], f'bytes */{len(whole)}')
        token, path = re.match(r'/media/([^/]+)/(.*)', url).groups()
        self.refuse(self.ask('GET', f'/media/{token[:-1]}x/{path}'), 403)
        self.refuse(self.ask('GET', f'/media/{token}/raw/{path.split("/")[1]}'), 403)
        self.refuse(self.ask('GET', f'/media/{token}/{path}.no'), 404)
        self.assertIn(self.ask('GET', f'/media/{token}/m/../token.key').status, (403, 404))

    def test_private_reels_are_their_creators(self):
        self.need_reel()
        hidden = self.server.ready(self.ada, self.clip, pair('visibility', 'private'))
        self.assertEqual(self.ask('GET', '/v1/reels/' + hidden, None, self.ada).json['visibility'], 'private')
        for method, tail in (('GET', ''), ('DELETE', ''), ('PUT', '/like'), ('GET', '/comments')):
            self.refuse(self.ask(method, f'/v1/reels/{hidden}{tail}', None, self.bob), 404)
        self.assertNotIn(hidden, self.reels_of(self.bob, self.ada_id)[1])
        self.assertIn(hidden, self.reels_of(self.ada, self.ada_id)[1])
        self.refuse(self.ask('DELETE', '/v1/reels/' + self.reel, None, self.bob), 403, 'not_yours')
        url = self.ask('GET', '/v1/reels/' + hidden, None, self.ada).json['cover_url']
        self.assertEqual(self.ask('GET', url).status, 200)
        self.assertEqual(self.ask('DELETE', '/v1/reels/' + hidden, None, self.ada).status, 204)
        self.refuse(self.ask('GET', '/v1/reels/' + hidden, None, self.ada), 404)
        self.server.wait(lambda: self.ask('GET', url).status in (403, 404), 10)

    def test_relations_and_comments(self):
        self.need_reel()
        for kind in ('like', 'save'):
            for method in ('PUT', 'PUT'):
                self.assertEqual(self.ask(method, f'/v1/reels/{self.reel}/{kind}', None, self.bob).status, 204)
        reel = self.ask('GET', '/v1/reels/' + self.reel, None, self.bob).json
        self.assertTrue(reel['liked'] and reel['saved'])
        saved = self.ask('GET', '/v1/me/saved', None, self.bob).json
        self.assertEqual([item['id'] for item in saved['items']], [self.reel])
        self.server.wait(lambda: self.ask('GET', '/v1/reels/' + self.reel, None, self.bob).json['counts']['likes'] == 1)
        self.refuse(self.ask('PUT', f'/v1/users/{self.bob_id}/follow', None, self.bob), 422, 'self')
        self.assertEqual(self.ask('PUT', f'/v1/users/{self.ada_id}/follow', None, self.bob).status, 204)
        self.assertTrue(self.ask('GET', f'/v1/users/{self.ada_id}', None, self.bob).json['followed'])
        said = self.ask('POST', f'/v1/reels/{self.reel}/comments', {'text': '<b>&"\u202e'}, self.bob)
        self.assertEqual(said.status, 201)
        page = self.ask('GET', f'/v1/reels/{self.reel}/comments', None, self.ada).json
        self.assertEqual(page['items'][0]['text'], '<b>&"\u202e')
        for text in ('', '   ', 'x' * 2001, 5, None, 'a\0b', '\0'):
            self.refuse(self.ask('POST', f'/v1/reels/{self.reel}/comments', {'text': text}, self.bob), 422)
        eve, _ = self.server.sign_in('eve')
        one = said.json['id']
        self.refuse(self.ask('DELETE', f'/v1/reels/{self.reel}/comments/{one}', None, eve), 403, 'not_yours')
        self.assertEqual(self.ask('DELETE', f'/v1/reels/{self.reel}/comments/{one}', None, self.ada).status, 204)
        self.refuse(self.ask('GET', f'/v1/reels/{self.reel}/comments?cursor=AAAA', None, self.ada), 400, 'bad_cursor')
        self.refuse(self.ask('GET', '/v1/feed?cursor=nonsense', None, self.ada), 400, 'bad_cursor')
        for path in ('/v1/me/saved', f'/v1/users/{self.ada_id}/reels', f'/v1/reels/{self.reel}/comments', '/v1/feed'):
            for cursor in ('a', '', '%00', 'AB', '='):
                self.refuse(self.ask('GET', f'{path}?cursor={cursor}', None, self.ada), 400, 'bad_cursor')
        for i in range(21):
            said = self.ask('POST', f'/v1/reels/{self.reel}/comments', {'text': f'number {i}'}, self.bob)
            self.assertEqual(said.status, 201)
        path = f'/v1/reels/{self.reel}/comments?cursor='
        cursor = self.ask('GET', path[:-8], None, self.ada).json['next_cursor']
        self.assertEqual(len(self.ask('GET', path + cursor, None, self.ada).json['items']), 1)
        for wrong in (cursor + 'a', cursor + 'A', cursor[:-1], cursor + '=', cursor + '%00', 'a' + cursor):
            self.refuse(self.ask('GET', path + wrong, None, self.ada), 400, 'bad_cursor')

    def test_events_count_once_and_bad_ones_are_named(self):
        self.need_reel()
        eve, _ = self.server.sign_in('eve')
        session = '0123456789abcdef'

        def event(kind, sequence, **more):
            return dict({'type': kind, 'reel_id': self.reel, 'session': session, 'sequence': sequence, 'playback': 1}, **more)
        batch = {'events': [event('impression', 1), event('view_3s', 2, position_ms=3000, watch_ms=3000),
                            event('complete', 3, position_ms=4000), event('view_3s', 4, position_ms=100)]}
        before = self.ask('GET', '/v1/reels/' + self.reel, None, eve).json['counts']
        for _ in range(3):
            answer = self.ask('POST', '/v1/events', batch, eve)
            self.assertEqual((answer.status, answer.json['accepted']), (200, 3), answer.body)
            self.assertEqual([item['index'] for item in answer.json['rejected']], [3])
        last = {'events': [event('share', 5)]}
        self.assertEqual(self.ask('POST', '/v1/events', last, eve).json['accepted'], 1)

        def counts():
            return self.ask('GET', '/v1/reels/' + self.reel, None, eve).json['counts']
        self.server.wait(lambda: counts()['shares'] == before['shares'] + 1)
        self.assertEqual(counts()['views'], before['views'] + 1)
        self.assertEqual(counts()['completions'], before['completions'] + 1)
        for wrong in ({'type': 'like'}, {'session': 'x'}, {'sequence': 0}, {'sequence': '1'}, {'watch_ms': -1}, {'reel_id': 5}):
            self.refuse(self.ask('POST', '/v1/events', {'events': [dict(event('watch', 9), **wrong)]}, eve), 422)
        gone = self.ask('POST', '/v1/events', {'events': [event('watch', 10, reel_id='42')]}, eve)
        self.assertEqual(gone.json['rejected'][0]['code'], 'not_found')

    def test_blocking_hides_both_from_each_other(self):
        self.need_reel()
        zoe, zoe_id = self.server.sign_in('zoe')
        self.assertEqual(self.ask('PUT', f'/v1/users/{zoe_id}/block', None, self.ada).status, 204)
        self.refuse(self.ask('GET', f'/v1/users/{self.ada_id}', None, zoe), 404)
        self.refuse(self.ask('GET', '/v1/reels/' + self.reel, None, zoe), 404)
        self.assertNotIn(self.reel, [item['id'] for item in self.ask('GET', '/v1/feed', None, zoe).json['items']])
        self.check_nothing_of(self.reel, self.ada_id, zoe)
        self.assertEqual(self.ask('DELETE', f'/v1/users/{zoe_id}/block', None, self.ada).status, 204)
        self.assertEqual(self.ask('GET', '/v1/reels/' + self.reel, None, zoe).status, 200)

    def test_who_blocks_sees_nothing_either_and_can_end_it(self):
        self.need_reel()
        mia, _ = self.server.sign_in('mia')
        self.assertEqual(self.ask('PUT', f'/v1/reels/{self.reel}/save', None, mia).status, 204)
        said = self.ask('POST', f'/v1/reels/{self.reel}/comments', {'text': 'well'}, self.bob).json['id']
        self.assertEqual(self.ask('PUT', f'/v1/users/{self.ada_id}/block', None, mia).status, 204)
        self.check_nothing_of(self.reel, self.ada_id, mia)
        self.refuse(self.ask('DELETE', f'/v1/reels/{self.reel}/comments/{said}', None, mia), 404, 'not_found')
        self.assertEqual(self.ask('GET', '/v1/me/saved', None, mia).json['items'], [])
        user = self.ask('GET', f'/v1/users/{self.ada_id}', None, mia).json
        self.assertTrue(user['blocked'])
        page = self.ask('GET', f'/v1/users/{self.ada_id}/reels', None, mia)
        self.assertEqual((page.status, page.json), (200, {'items': [], 'next_cursor': None}))
        self.assertEqual(self.ask('DELETE', f'/v1/users/{self.ada_id}/block', None, mia).status, 204)
        self.assertEqual(self.ask('GET', '/v1/reels/' + self.reel, None, mia).status, 200)
        self.assertEqual([item['id'] for item in self.ask('GET', '/v1/me/saved', None, mia).json['items']], [self.reel])
        self.assertIn(self.reel, self.reels_of(mia, self.ada_id)[1])
        self.ask('DELETE', f'/v1/reels/{self.reel}/comments/{said}', None, self.ada)

    def check_nothing_of(self, reel, person, token):
        """Every answer is the one for what is not there: a block is told to nobody."""
        for method, path, body in (('GET', '', None), ('DELETE', '', None), ('PUT', '/like', None), ('PUT', '/save', None),
                                   ('GET', '/comments', None), ('POST', '/comments', {'text': 'hi'})):
            answer = self.ask(method, f'/v1/reels/{reel}{path}', body, token)
            self.refuse(answer, 404, 'not_found')
            self.assertEqual(answer.body, self.ask(method, '/v1/reels/42' + path, body, token).body, (method, path))
        answer = self.ask('PUT', f'/v1/users/{person}/follow', None, token)
        self.refuse(answer, 404, 'not_found')
        self.assertEqual(answer.body, self.ask('PUT', '/v1/users/42/follow', None, token).body)

    # ---- operation ----

    def test_metrics_are_prometheus_text(self):
        text = self.ask('GET', '/metrics').body.decode()
        line = re.compile(r'^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9]+)$')
        for text_line in text.splitlines():
            self.assertRegex(text_line, line)
        self.assertIn('http_requests_total', text)

    def test_page_is_sent_with_its_policy(self):
        page = self.ask('GET', '/r/123')
        self.assertEqual(page.status, 200)
        self.assertIn("default-src 'none'", page.headers['Content-Security-Policy'])
        self.assertEqual(page.headers['X-Content-Type-Options'], 'nosniff')
        self.assertEqual(self.ask('HEAD', '/').body, b'')
        self.assertTrue(self.ask('GET', '/openapi.yaml').body.startswith(b'openapi: 3.1'))

    def test_contract_has_no_type_inside_a_description(self):
        text = self.ask('GET', '/openapi.yaml').body.decode()
        self.assertEqual(re.findall(r"description: '[^\n]*, type: .*", text), [])
        self.assertIn("playlist_url: { type: [string, 'null']", text)

    def test_z_nothing_that_a_person_sent_is_in_the_log(self):
        log = open(self.server.log).read()
        for secret in (SECRET_CAPTION, self.ada, self.bob, 'clip.mp4', 'ada'):
            self.assertNotIn(secret, log)


class Connections(unittest.TestCase):
    def test_clients_that_dribble_their_headers_lock_nobody_out(self):
        server = Server('dribble')
        clients = []
        try:
            for _ in range(515):  # three more than there are
                raw = socket.create_connection(('127.0.0.1', server.port), timeout=60)
                raw.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\nX: ')
                raw.setblocking(False)
                clients.append(raw)
            with self.assertRaises(OSError):
                with socket.create_connection(('127.0.0.1', server.port), timeout=1) as raw:
                    raw.sendall(b'GET /healthz HTTP/1.0\r\n\r\n')
                    raw.recv(1)  # all are taken
            answered = []

            def is_let_in():
                for raw in clients:
                    try:
                        raw.send(b'x')
                    except OSError:
                        pass
                try:
                    with socket.create_connection(('127.0.0.1', server.port), timeout=0.5) as raw:
                        raw.sendall(b'GET /healthz HTTP/1.0\r\n\r\n')
                        answered.append(raw.recv(100))
                except TimeoutError:
                    pass
                return any(b'200 OK' in answer for answer in answered)
            server.wait(is_let_in, 30)
        finally:
            for raw in clients:
                raw.close()
            self.assertEqual(server.stop(), 0)

    def test_a_small_body_that_is_dribbled_is_not_waited_for(self):
        server = Server('dribble_body')
        try:
            with server.open('POST', '/v1/token', 'x', 1000, b'{', Content_Type='application/json') as raw:
                raw.settimeout(0.5)
                closed = []

                def is_closed():
                    try:
                        raw.send(b' ')
                        closed.append(raw.recv(1) == b'')
                    except TimeoutError:
                        pass
                    except OSError:
                        closed.append(True)
                    return any(closed)
                server.wait(is_closed, 45)
        finally:
            self.assertEqual(server.stop(), 0)


class Restart(unittest.TestCase):
    def test_killed_and_started_again_it_knows_everything(self):
        server = Server('restart')
        ada, ada_id = server.sign_in('ada')
        bob, _ = server.sign_in('bob')
        server.ask('PUT', f'/v1/users/{ada_id}/follow', None, bob)
        clip = platform_server.clip()
        location = server.create(ada, 5000000).headers['Location']
        if clip:
            self.assertEqual(server.append(ada, location, 0, clip[:20000]).status, 204)
        server.stop(signal.SIGKILL)
        server.start()
        try:
            self.assertEqual(server.ask('GET', '/v1/me', None, ada).json['id'], ada_id)
            self.assertEqual(server.where(ada, location).headers['Upload-Offset'], '20000' if clip else '0')
            server.wait(lambda: server.ask('GET', f'/v1/users/{ada_id}', None, bob).json['counts']['followers'] == 1)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_a_second_server_on_the_same_folder_is_refused(self):
        server = Server('twice')
        try:
            import subprocess
            second = subprocess.run(
                [platform_server.EXECUTABLE, '--data', server.data, '--port', str(platform_server.free_port())],
                capture_output=True, timeout=60)
            self.assertEqual(second.returncode, 1)
            self.assertIn(b'BUSY', second.stderr)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_a_second_server_on_the_same_port_is_refused(self):
        server = Server('port')
        try:
            import subprocess
            second = subprocess.run(
                [platform_server.EXECUTABLE, '--data', server.data + '-second', '--port', str(server.port)],
                capture_output=True, timeout=60)
            self.assertEqual(second.returncode, 1)
            self.assertIn(b'cannot be opened', second.stderr)
        finally:
            self.assertEqual(server.stop(), 0)
        server.start()  # but a port that was given up is free at once
        self.assertEqual(server.stop(), 0)

    def test_numbers_with_something_behind_them_are_refused(self):
        import subprocess
        for option in ('--port', '--window-ms'):
            for text in ('80x', '', ' ', '1.5'):
                done = subprocess.run([platform_server.EXECUTABLE, option, text], capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 2, (option, text))

    def test_without_demo_mode_there_are_no_tokens(self):
        server = Server('host', '--no-demo')
        try:
            self.assertEqual(server.ask('POST', '/v1/token', {'name': 'ada'}).status, 404)
        finally:
            server.stop()
