"""The example of the README runs and says what it must, and stands there word for word."""

import json
import os
import subprocess
import sys

import reels
from support import WORKER, Case, needs_media

HERE = os.path.dirname(os.path.abspath(__file__))


class Examples(Case):
    @needs_media
    def test_flow_counts_one_like(self):
        config = json.dumps({'data_path': self.path('data'), 'media_worker_path': WORKER})
        done = subprocess.run([sys.executable, os.path.join(HERE, '../examples/flow.py'), self.clip_path(), config],
                              env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        state, reel_id, likes = done.stdout.split()
        self.assertEqual((state, likes), ('READY', '1'))
        self.assertGreater(reels.id_from_text(reel_id), 0)

    def test_flow_stands_in_the_readme(self):
        with open(os.path.join(HERE, '../examples/flow.py'), encoding='utf-8') as file:
            example = file.read()
        with open(os.path.join(HERE, '../../README.md'), encoding='utf-8') as file:
            self.assertIn(f'```python\n{example}```', file.read())
