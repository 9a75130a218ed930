#include <sys/stat.h>
#include <zmq.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tests/connectors/endpoint_fixture.h"

namespace streamrun::testing {
namespace {

using Lines = std::vector<std::string>;

std::string Tcp(int port) { return "tcp://127.0.0.1:" + std::to_string(port); }

/// A socket in a directory that goes with the test.
class Ipc {
 public:
  Ipc() {
    directory_ = (std::filesystem::temp_directory_path() / "sr-zeromq-XXXXXX").string();
    REQUIRE(::mkdtemp(directory_.data()) != nullptr);
  }
  ~Ipc() { std::filesystem::remove_all(directory_); }
  Ipc(const Ipc&) = delete;
  Ipc& operator=(const Ipc&) = delete;
  std::string address() const { return "ipc://" + directory_ + "/s"; }

 private:
  std::string directory_;
};

/// A peer that speaks libzmq directly, in a context of its own.
struct Peer {
  void* context = zmq_ctx_new();
  void* socket = nullptr;
  Peer(int type, const std::string& address, bool bind, int high_water_mark = 1000) {
    socket = zmq_socket(context, type);
    const int timeout = 30'000, linger = 0;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &high_water_mark, sizeof high_water_mark);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &high_water_mark, sizeof high_water_mark);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    REQUIRE((bind ? zmq_bind(socket, address.c_str()) : zmq_connect(socket, address.c_str())) == 0);
  }
  ~Peer() {
    zmq_close(socket);
    zmq_ctx_term(context);
  }
  void Send(std::string_view text, int flags = 0) const {
    REQUIRE(zmq_send(socket, text.data(), text.size(), flags) >= 0);
  }
  /// The parts of a message, joined by '|'.
  std::string Receive() const {
    std::string all;
    char bytes[4096];
    for (;;) {
      const int n = zmq_recv(socket, bytes, sizeof bytes, 0);
      REQUIRE(n >= 0);
      all.append(bytes, static_cast<size_t>(n));
      int more = 0;
      size_t size = sizeof more;
      zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
      if (more == 0) return all;
      all += '|';
    }
  }
};

TEST_CASE("a pull source gives a record a message, the last part of those with several") {
  const int port = FreePort();
  RunningSource run("zeromq", {{"bind", Tcp(port).c_str()}, {"end_of_stream", "message"}});
  CHECK(run.bound.source->bounded);
  CHECK(run.bound.source->exclusive == "tcp:127.0.0.1:" + std::to_string(port));
  run.MustOpen();
  const Peer peer(ZMQ_PUSH, Tcp(port), false);
  peer.Send("one");
  peer.Send("envelope", ZMQ_SNDMORE);
  peer.Send("t\nwo");
  peer.Send("");
  run.RunToEnd();
  CHECK(run.out.records == Lines{"one", "t\nwo"});
}

TEST_CASE("with batch a message holds lines, the last one with or without its newline") {
  const Ipc ipc;
  const std::string address = ipc.address();
  RunningSource run("zeromq", {{"bind", address.c_str()}, {"batch", "true"}, {"end_of_stream", "message"}});
  run.context.max_record = 100;
  run.MustOpen();
  struct stat info = {};
  REQUIRE(::lstat(address.substr(6).c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const Peer peer(ZMQ_PUSH, address, false);
  peer.Send("a\nb");
  peer.Send("c\n" + std::string(200, 'x') + "\nd\n");
  peer.Send("");
  run.RunToEnd();
  CHECK(run.out.records == Lines{"a", "b", "c", "d"});
  REQUIRE(run.out.failures.size() == 1);
  CHECK(run.out.failures[0].starts_with("record.too_long: xxx"));
}

TEST_CASE("a message longer than max_record fails and its neighbours arrive") {
  const int port = FreePort();
  RunningSource run("zeromq", {{"bind", Tcp(port).c_str()}, {"end_of_stream", "message"}});
  run.context.max_record = 10;
  run.MustOpen();
  const Peer peer(ZMQ_PUSH, Tcp(port), false);
  for (const char* text : {"1", "a long long message", "2", ""}) peer.Send(text);
  run.RunToEnd();
  CHECK(run.out.records == Lines{"1", "2"});
  CHECK(run.out.failures == Lines{"record.too_long: a long long message"});
}

TEST_CASE("a subscriber gets the topics it asked for") {
  const int port = FreePort();
  const Peer peer(ZMQ_PUB, Tcp(port), true);
  RunningSource run("zeromq",
                    {{"pattern", "sub"}, {"connect", Tcp(port).c_str()}, {"topics", Conf::List({"a", "b"})}});
  run.MustOpen();
  // A subscription takes effect some time after connecting: publish until it has.
  run.RunUntil([&] {
    if (run.out.records.empty()) {
      for (const char* topic : {"a", "z"}) {
        peer.Send(topic, ZMQ_SNDMORE);
        peer.Send(std::string("of ") + topic);
      }
    }
    return !run.out.records.empty();
  });
  run.Settle();
  CHECK(std::count(run.out.records.begin(), run.out.records.end(), "of z") == 0);
  CHECK(std::count(run.out.records.begin(), run.out.records.end(), "of a") > 0);
}

TEST_CASE("no wake-up is missed when both sides sleep on their descriptors between small buffers") {
  const Ipc ipc;
  const std::string address = ipc.address();
  RunningSource source("zeromq", {{"bind", address.c_str()}, {"high_water_mark", "1"}});
  RunningSink sink("zeromq", {{"connect", address.c_str()}, {"high_water_mark", "1"}});
  source.MustOpen();
  sink.MustOpen();
  Lines records, expected;
  for (int i = 0; i < 2000; ++i) {
    expected.push_back(std::string(100, 'r') + std::to_string(i));
    records.push_back(expected.back() + "\n");
  }
  const Encoded event = EncodedOf(records);
  // Both run on this thread; it goes to sleep only when both say that they wait, and then on all they wait
  // for.
  bool accepted = false;
  int missed = 0;
  while (source.out.records.size() < records.size()) {
    if (!accepted) accepted = sink.TryWrite(event);
    const Result<SourceOutcome> outcome = source.source->Poll(source.out);
    REQUIRE(outcome.ok());
    if (*outcome != SourceOutcome::kWait) continue;
    WaitSpec both = source.source->Wait();
    if (!accepted) both.descriptors.push_back(sink.sink->Wait().descriptors[0]);
    std::vector<pollfd> fds;
    for (const WaitSpec::Descriptor& d : both.descriptors) fds.push_back({d.fd, d.events, 0});
    missed += ::poll(fds.data(), fds.size(), 10'000) == 0;
    REQUIRE(missed < 5);
  }
  CHECK(source.out.records == expected);
  CHECK(missed == 0);
}

TEST_CASE("a push sink without a peer waits, and what it took goes out before Finish is over") {
  const int port = FreePort();
  RunningSink sink("zeromq", {{"connect", Tcp(port).c_str()}});
  CHECK(sink.bound.sink->guarantee == SinkGuarantee::kAtMostOnce);
  sink.MustOpen();
  const Encoded event = EncodedOf({"1\n", "2\n"});
  CHECK_FALSE(sink.TryWrite(event));
  CHECK(sink.sink->Trouble() == "connect " + Tcp(port) + ": no peer takes messages");
  const Peer peer(ZMQ_PULL, Tcp(port), true);
  sink.Write(event);
  sink.Finish();
  CHECK(peer.Receive() == "1");
  CHECK(peer.Receive() == "2");
}

TEST_CASE("with batch an event is one message, also one that is handed over without a copy") {
  const int port = FreePort();
  RunningSource source("zeromq",
                       {{"bind", Tcp(port).c_str()}, {"batch", "true"}, {"end_of_stream", "message"}});
  RunningSink sink("zeromq",
                   {{"connect", Tcp(port).c_str()}, {"batch", "true"}, {"end_of_stream", "message"}});
  source.MustOpen();
  sink.MustOpen();
  Lines records, expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(std::string(50'000, static_cast<char>('a' + i)));
    records.push_back(expected.back() + "\n");
  }
  sink.Write(EncodedOf(records));
  sink.Write(EncodedOf({"small\n"}));
  expected.push_back("small");
  bool finished = false;
  source.RunUntil([&] {
    if (!finished) finished = *sink.sink->Finish(true) == SinkOutcome::kAccepted;
    return false;
  });
  CHECK(source.out.records == expected);
}

TEST_CASE("a pub sink sends topic and record") {
  const int port = FreePort();
  RunningSink sink("zeromq", {{"pattern", "pub"}, {"bind", Tcp(port).c_str()}, {"topic", "bids"}});
  sink.MustOpen();
  const Peer peer(ZMQ_SUB, Tcp(port), false);
  zmq_pollitem_t item = {peer.socket, 0, ZMQ_POLLIN, 0};
  for (int i = 0; i < 200 && zmq_poll(&item, 1, 20) == 0; ++i) sink.Write(EncodedOf({"x\n"}));
  CHECK(peer.Receive() == "bids|x");
}

TEST_CASE("an address that is taken is an environment error, for tcp and ipc") {
  const Ipc ipc;
  for (const std::string& address : {Tcp(FreePort()), ipc.address()}) {
    RunningSource first("zeromq", {{"bind", address.c_str()}});
    first.MustOpen();
    RunningSource second("zeromq", {{"bind", address.c_str()}});
    const Status s = second.Open();
    CHECK(s.code() == Code::kAlreadyExists);
    CHECK(s.fault() == Fault::kExternal);
    CHECK(s.message() ==
          "cannot bind " + address +
              ": another process has it; end that process or set sources.node.bind to a free address");
  }
}

TEST_CASE("a Python subscriber reads what a pub sink sends") {
  const char* python = "/usr/bin/python3";
  if (std::system("/usr/bin/python3 -c 'import zmq' 2>/dev/null") != 0) {
    MESSAGE("skipped: python3 cannot import zmq (package python3-zmq)");
    return;
  }
  const int port = FreePort();
  const std::string script = std::string(python) +
                             " -c 'import zmq; s = zmq.Context().socket(zmq.SUB); s.connect(\"" + Tcp(port) +
                             "\"); s.subscribe(\"news\"); s.setsockopt(zmq.RCVTIMEO, 5000); "
                             "print(s.recv_multipart())' 2>&1";
  RunningSink sink("zeromq", {{"pattern", "pub"}, {"bind", Tcp(port).c_str()}, {"topic", "news"}});
  sink.MustOpen();
  std::FILE* pipe = ::popen(script.c_str(), "r");
  REQUIRE(pipe != nullptr);
  // Published until the subscriber has what it came for and ends.
  pollfd ended = {::fileno(pipe), POLLIN, 0};
  for (int i = 0; i < 250 && ::poll(&ended, 1, 20) == 0; ++i) sink.Write(EncodedOf({"{\"n\":1}\n"}));
  char line[256] = {};
  CHECK(std::fgets(line, sizeof line, pipe) != nullptr);
  CHECK(std::string(line) == "[b'news', b'{\"n\":1}']\n");
  CHECK(::pclose(pipe) == 0);
}

TEST_CASE("mistakes in a zeromq configuration are reported") {
  const auto problem = [](const Conf& conf) { return BindSource("zeromq", conf).problems; };
  CHECK(problem({{"batch", "true"}}) == "config.missing_field: zeromq needs 'bind' or 'connect'\n");
  CHECK(problem({{"bind", "tcp://127.0.0.1:5555"}, {"connect", "tcp://127.0.0.1:5556"}}) ==
        "config.conflict: 'bind' and 'connect' exclude each other\n");
  CHECK(problem({{"bind", Conf::List({"tcp://127.0.0.1", "udp://x:1"})}}) ==
        "config.address: 'tcp://127.0.0.1' is not a ZeroMQ address: it ends with a port from 1 to 65535\n"
        "config.address: 'udp://x:1' is not a ZeroMQ address: write tcp://host:port or ipc:///path\n");
  CHECK(problem({{"connect", "tcp://*:5555"}}) ==
        "config.address: 'tcp://*:5555' is not a ZeroMQ address: it lacks the host\n");
  CHECK(problem({{"connect", "tcp://h:5555"}, {"topics", "a"}}) ==
        "config.conflict: 'topics' has a meaning with pattern: sub only\n");
  CHECK(BindSink("zeromq", {{"connect", "tcp://h:5555"}, {"topic", "a"}}).problems ==
        "config.conflict: 'topic' has a meaning with pattern: pub only\n");
}

}  // namespace
}  // namespace streamrun::testing
