// How much of raw ZeroMQ ipc one data channel carries: both between two processes, in one run, at the same
// message sizes. Prints GB/s of each and the ratio (medians of interleaved rounds).
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/data/column_builder.h"
#include "runner/link/poller.h"
#include "runner/link/zmq_channel.h"

namespace streamrun {
namespace {

constexpr int kRounds = 7;
constexpr int64_t kBytesPerRound = int64_t{1} << 30;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "link_bench: %s\n", what.c_str());
  std::_Exit(1);
}

double Seconds() { return static_cast<double>(Env::Default()->MonotonicNow()) * 1e-6; }

// The receiving process: ends with its sender, also when that one is killed, and says when it is bound. The
// socket's file appears before anyone listens on it, so waiting for the file would not do.
struct Receiver {
  int ready[2] = {-1, -1};
  pid_t pid = -1;

  Receiver() {
    if (::pipe(ready) != 0) Die("cannot make a pipe");
    pid = ::fork();
    if (pid == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  void Bound() const {
    if (::write(ready[1], "b", 1) != 1) Die("cannot report");
  }
  void AwaitBound() const {
    char byte;
    if (::read(ready[0], &byte, 1) != 1) Die("the receiver did not bind");
  }
  ~Receiver() {
    ::close(ready[0]);
    ::close(ready[1]);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
};

// Three bigint columns whose values take `bytes` in all.
BatchPtr MakeBatch(const IpcLayout& layout, int64_t bytes) {
  std::vector<ColumnPtr> columns;
  const int64_t rows = bytes / 24;
  for (int c = 0; c < 3; ++c) {
    ColumnBuilder builder(DataType(TypeId::kBigint));
    for (int64_t i = 0; i < rows; ++i) builder.Append<int64_t>(i * 7 + c);
    columns.push_back(builder.Finish());
  }
  return std::make_shared<Batch>(layout.schema, rows, std::move(columns));
}

IpcLayout ThreeColumns() {
  IpcLayout layout;
  layout.schema = std::make_shared<Schema>(
      std::vector<Field>{{"a", TypeId::kBigint}, {"b", TypeId::kBigint}, {"c", TypeId::kBigint}});
  layout.live = {0, 1, 2};
  return layout;
}

ChannelSettings Settings(const std::string& path) {
  ChannelSettings s;
  s.endpoint = "ipc://" + path;
  s.layout = ThreeColumns();
  return s;
}

// Receives until the end of the stream; exits with 0 when every row came.
[[noreturn]] void ReceiveChannel(const Receiver& self, const std::string& path, int64_t expected_rows) {
  LinkContext context;
  auto in = ZmqInChannel::Bind(context, Settings(path));
  if (!in.ok()) Die(in.status().ToString());
  self.Bound();
  Poller poller;
  poller.Add(&(*in)->socket());
  int64_t rows = 0;
  bool hello = false;
  for (;;) {
    if (!hello) {
      auto got = (*in)->TryReceiveHello();
      if (!got.ok()) Die(got.status().ToString());
      hello = *got;
    }
    std::optional<Event> event;
    if (hello) {
      auto got = (*in)->TryReceive();
      if (!got.ok()) Die(got.status().ToString());
      event = std::move(*got);
    }
    if (!event) {
      if (!poller.Wait(Env::Default(), {}, kMaxTimestamp).ok()) Die("poll");
    } else if (const auto* batch = std::get_if<Rows>(&*event)) {
      rows += batch->batch->rows();
    } else {
      ::_exit(rows == expected_rows ? 0 : 1);
    }
  }
}

int64_t Send(ZmqOutChannel& out, const Event& event) {
  Poller poller;
  poller.Add(&out.socket());
  for (;;) {
    auto sent = out.TrySend(event);
    if (!sent.ok()) Die(sent.status().ToString());
    if (*sent) return 1;
    if (!poller.Wait(Env::Default(), {}, kMaxTimestamp).ok()) Die("poll");
  }
}

double ChannelRound(const std::string& path, int64_t size) {
  ::unlink(path.c_str());
  const int64_t messages = kBytesPerRound / size;
  const Event event = Rows{MakeBatch(ThreeColumns(), size), kNoOrdinal};
  const int64_t rows = std::get<Rows>(event).batch->rows();
  const Receiver receiver;
  if (receiver.pid == 0) ReceiveChannel(receiver, path, rows * messages);
  receiver.AwaitBound();
  LinkContext context;
  auto out = ZmqOutChannel::Connect(context, Settings(path));
  if (!out.ok()) Die(out.status().ToString());
  const double begin = Seconds();
  for (int64_t i = 0; i < messages; ++i) Send(**out, event);
  Send(**out, EndOfStream{});
  int status = 0;
  ::waitpid(receiver.pid, &status, 0);
  if (status != 0) Die("the receiver did not get every row");
  return static_cast<double>(rows * 24 * messages) / (Seconds() - begin) * 1e-9;
}

// Plain blocking PUSH/PULL with default options; zero-copy from 256 KiB as the channel.
double RawRound(const std::string& path, int64_t size) {
  ::unlink(path.c_str());
  const int64_t messages = kBytesPerRound / size;
  const std::string endpoint = "ipc://" + path;
  const Receiver receiver;
  if (receiver.pid == 0) {
    void* context = zmq_ctx_new();
    void* pull = zmq_socket(context, ZMQ_PULL);
    if (zmq_bind(pull, endpoint.c_str()) != 0) ::_exit(1);
    receiver.Bound();
    for (int64_t i = 0; i < messages; ++i) {
      zmq_msg_t message;
      zmq_msg_init(&message);
      if (zmq_msg_recv(&message, pull, 0) != size) ::_exit(1);
      zmq_msg_close(&message);
    }
    ::_exit(0);
  }
  receiver.AwaitBound();
  void* context = zmq_ctx_new();
  void* push = zmq_socket(context, ZMQ_PUSH);
  if (zmq_connect(push, endpoint.c_str()) != 0) Die("connect");
  const std::vector<char> data(static_cast<size_t>(size), 'x');
  const double begin = Seconds();
  for (int64_t i = 0; i < messages; ++i) {
    zmq_msg_t message;
    if (size >= 256 * 1024) {
      zmq_msg_init_data(&message, const_cast<char*>(data.data()), data.size(), nullptr, nullptr);
    } else {
      zmq_msg_init_size(&message, data.size());
      std::memcpy(zmq_msg_data(&message), data.data(), data.size());
    }
    if (zmq_msg_send(&message, push, 0) < 0) Die("send");
  }
  int status = 0;
  ::waitpid(receiver.pid, &status, 0);
  if (status != 0) Die("the raw receiver failed");
  const double rate = static_cast<double>(size * messages) / (Seconds() - begin) * 1e-9;
  zmq_close(push);
  zmq_ctx_term(context);
  return rate;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main() {
  std::string directory = "/tmp/srbenchXXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) Die("cannot make a directory");
  std::printf("one link against raw ZeroMQ ipc, two processes, medians of %d rounds of 1 GiB\n", kRounds);
  std::printf("%10s %14s %14s %8s\n", "message", "raw GB/s", "link GB/s", "ratio");
  double worst = 1e9;
  for (const int64_t size : {64 * 1024, 256 * 1024, 1024 * 1024}) {
    std::vector<double> raw, link;
    for (int round = 0; round < kRounds; ++round) {
      raw.push_back(RawRound(directory + "/raw", size));
      link.push_back(ChannelRound(directory + "/link", size));
    }
    const double ratio = Median(link) / Median(raw);
    worst = std::min(worst, ratio);
    std::printf("%6lld KiB %14.2f %14.2f %8.2f\n", static_cast<long long>(size / 1024), Median(raw),
                Median(link), ratio);
  }
  std::printf("worst ratio %.2f (goal 0.60)\n", worst);
  ::unlink((directory + "/raw").c_str());
  ::unlink((directory + "/link").c_str());
  ::rmdir(directory.c_str());
  return 0;
}

}  // namespace
}  // namespace streamrun

int main() { return streamrun::Main(); }
