"""HTTP over TLS both ways, with certificates of an authority of our own."""
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from family import eventually
from http_theme import Peers, SEED, numbers_out, post, rows_in
from network_theme import free_port


class Tls(Peers):
    """Certificates of an authority of our own, made anew."""

    @classmethod
    def setUpClass(cls):
        cls.certificates = tempfile.mkdtemp(prefix="sr-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.certificates)
        openssl = lambda *args: subprocess.run(["openssl", *args], cwd=cls.certificates, check=True, capture_output=True)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
        for name, host in (("server", "IP:127.0.0.1"), ("other", "DNS:elsewhere.example"), ("client", "DNS:client")):
            openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            with open(os.path.join(cls.certificates, "ext"), "w") as f:
                f.write(f"subjectAltName={host}\n")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-out", f"{name}.pem", "-days", "2", "-extfile", "ext")

    def pem(self, name):
        return os.path.join(self.certificates, name)

    def serve_tls(self, name="server", asks=False, plan=lambda number, key, body: None):
        server = self.serve(plan, tls=(self.pem(name + ".pem"), self.pem(name + ".key"), asks and self.pem("ca.pem")))
        return server

    def out_tls(self, port, tls, rows=500):
        return numbers_out(port, f"tls: {{{tls}}}" if tls else "", rows=rows).replace("http://", "https://")

    def test_out_over_tls(self):
        chance = random.Random(SEED)
        server = self.serve_tls(plan=lambda number, key, body: chance.choice(["lost", 503, None, None]))
        self.assert_fine(self.run_pipeline(self.out_tls(server.port, f"ca_file: {self.pem('ca.pem')}")))
        self.assert_each_once(server, rows=500)

    def test_a_server_that_is_not_checked(self):
        server = self.serve_tls("other")
        answer = self.run_pipeline(self.out_tls(server.port, "verify: false"))
        self.assert_fine(answer)
        self.assert_each_once(server, rows=500)
        validated = self.run_command("validate", "p.yaml")
        self.assertIn("whoever answers at the address", validated.stdout + validated.stderr)

    def test_a_certificate_for_a_client(self):
        server = self.serve_tls(asks=True)
        mine = f", cert_file: {self.pem('client.pem')}, key_file: {self.pem('client.key')}"
        self.assert_fine(self.run_pipeline(self.out_tls(server.port, f"ca_file: {self.pem('ca.pem')}{mine}")))
        self.assert_each_once(server, rows=500)

    def test_certificates_that_are_wrong_end_the_pipeline_at_once(self):
        server, other = self.serve_tls(), self.serve_tls("other")
        ca = f"ca_file: {self.pem('ca.pem')}"
        self.write("garbage.pem", "no certificate\n")
        for port, tls, why in ((server.port, "", "certificate"), (other.port, ca, "127.0.0.1"),
                               (server.port, "ca_file: nowhere.pem", "tls.ca_file: "),
                               (server.port, "ca_file: garbage.pem", "garbage.pem"),
                               (server.port, f"{ca}, cert_file: garbage.pem, key_file: garbage.pem", "ertificate")):
            with self.subTest(tls):
                begin = time.monotonic()
                answer = self.run_pipeline(self.out_tls(port, tls), timeout=30)
                self.assertIn(answer.returncode, (1, 3), answer.stderr)
                self.assertIn(why, answer.stderr)
                self.assertNotIn("restarting in", answer.stderr)
                self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual((server.bodies, other.bodies), ({}, {}))
        # What was decided meanwhile is delivered once the file is mended.
        self.assert_fine(self.run_pipeline(self.out_tls(server.port, ca)))
        self.assert_each_once(server, rows=500)

    def in_tls(self, port, name="server", more=""):
        tls = f"{{cert_file: {self.pem(name + '.pem')}, key_file: {self.pem(name + '.key')}}}"
        return rows_in(port, more=f", tls: {tls}{more}").replace("n: bigint", "id: bigint")

    def test_in_over_tls_from_our_own_sink(self):
        port = free_port()
        process = self.start(self.in_tls(port, more=", deduplicate: {}, buffer: durable"))
        self.listening(port)
        self.assertIsNone(post(port, '{"id":0}', {"Idempotency-Key": "plain"}), "it answered without TLS")
        self.write("first.yaml", self.out_tls(port, f"ca_file: {self.pem('ca.pem')}"))
        self.assert_fine(self.run_command("run", "first.yaml", "--state-dir", "first"))
        ids = lambda: sorted(json.loads(line)["id"] for line in self.read("out.jsonl").splitlines())
        self.assertTrue(eventually(20, lambda: ids() == list(range(1, 501))), self.log())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 20), 0, self.log())

    def test_files_that_are_no_certificate_are_told(self):
        for name, why in (("nowhere", "tls.cert_file: "), ("ca", "tls.key_file")):
            yaml = self.in_tls(free_port(), name)
            if name == "ca":  # the key is another's
                yaml = yaml.replace("ca.key", "server.key")
            answer = self.run_pipeline(yaml, timeout=30)
            self.assertNotEqual(answer.returncode, 0)
            self.assertIn(why, answer.stderr)
            self.assertNotIn("restarting in", answer.stderr)
