// The whole family of processes, run as a user runs it: what kill -9, signals, stopped processes and back
// pressure do.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "runner/api/client.h"
#include "runner/process/state_directory.h"

extern char** environ;

namespace streamrun {
namespace {

// build/streamrun, next to the folder of this test; STREAMRUN_BINARY wins.
std::string Binary() {
  if (const char* given = std::getenv("STREAMRUN_BINARY")) return given;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "streamrun";
}

std::string Slurp(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// For what has to come: only a test that fails waits so long.
constexpr Duration kPatience = 60 * kSecond;

bool Eventually(const std::function<bool()>& condition) {
  const Timestamp end = Env::Default()->MonotonicNow() + kPatience;
  while (!condition()) {
    if (Env::Default()->MonotonicNow() >= end) return false;
    ::usleep(10'000);
  }
  return true;
}

int64_t Count(const std::string& text, const std::string& what) {
  int64_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

// A pipeline in a directory of its own, and the process that runs it.
class Family {
 public:
  explicit Family(const std::string& yaml) {
    REQUIRE(::mkdtemp(directory_.data()) != nullptr);
    std::string text = yaml;
    for (size_t at; (at = text.find("$DIR")) != std::string::npos;) text.replace(at, 4, directory_);
    std::ofstream(path("p.yaml")) << text;
  }
  ~Family() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (stdout_read_ >= 0) ::close(stdout_read_);
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string log() const { return Slurp(path("log")); }
  pid_t pid() const { return pid_; }
  int stdout_read() const { return stdout_read_; }

  // Its standard output is a pipe that nobody reads unless the test does.
  void Start() {
    if (stdout_read_ >= 0) ::close(stdout_read_);
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    stdout_read_ = pipe[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    std::string binary = Binary(), file = path("p.yaml");
    char* argv[] = {binary.data(), file.data(), nullptr};
    REQUIRE_MESSAGE(::posix_spawn(&pid_, binary.c_str(), &actions, nullptr, argv, environ) == 0, binary);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
  }

  // Exit code, 128 + signal, or -1 when it still runs.
  int Wait() {
    int status = 0;
    if (!Eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // Process ids of the workers, in stage order.
  std::vector<pid_t> Workers() const {
    std::istringstream in(
        Slurp("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children"));
    std::vector<pid_t> workers;
    for (pid_t pid; in >> pid;) workers.push_back(pid);
    return workers;
  }

  std::string Admin(const std::string& what) const {
    const auto socket = FindAdminSocket(path("state"));
    if (!socket.ok()) return "";
    const auto answer = AdminGet(*socket, what);
    return answer.ok() ? *answer : "";
  }
  bool Running() const {
    return Admin("/healthz") == "running\n" &&
           Admin("/status").find("\"state\": \"running\"") != std::string::npos;
  }
  // Its standard output takes no more (a pipe holds 65,536 bytes), and neither do the channels behind it.
  bool BackPressured() const {
    int unread = 0;
    if (::ioctl(stdout_read_, FIONREAD, &unread) != 0 || unread < 60'000) return false;
    const std::string status = Admin("/status");
    return status.find("\"blocked_on\": \"output to all\"") != std::string::npos &&
           status.find("\"blocked_on\": \"output to out\"") != std::string::npos;
  }

 private:
  std::string directory_ = "/tmp/srfamilyXXXXXX";
  pid_t pid_ = -1;
  int stdout_read_ = -1;
};

// A zombie that init has not reaped yet is dead.
bool Alive(pid_t pid) {
  const std::string stat = Slurp("/proc/" + std::to_string(pid) + "/stat");
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

int64_t CountLines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

// Three workers: two that make and filter rows, one that writes. About `seconds` long.
std::string Numbers(int64_t rows, int64_t rate, const std::string& more = "") {
  return "pipeline: numbers\n"
         "settings: {parallelism: 2, state_dir: $DIR/state" +
         more +
         "}\n"
         "sources:\n"
         "  n: {connector: generate, rate: " +
         std::to_string(rate) + "/s, count: " + std::to_string(rows) +
         ", columns: {id: sequence}}\n"
         "operators:\n"
         "  even: {operator: filter, input: n, where: id % 2 = 0}\n"
         "sinks:\n"
         "  out: {connector: file, input: even, path: $DIR/out.jsonl, format: json}\n";
}

std::string EndlessToStdout(const std::string& stop_deadline) {
  return "pipeline: endless\n"
         "settings: {state_dir: $DIR/state, stop_deadline: " +
         stop_deadline +
         "}\n"
         "sources: {n: {connector: generate, rate: none, columns: {id: sequence}}}\n"
         "operators: {all: {operator: filter, input: n, where: id >= 0, process: own}}\n"
         "sinks: {out: {connector: stdout, input: all, format: json}}\n";
}

TEST_CASE("a pipeline of several processes ends with every row written and the ledger at zero") {
  Family family(Numbers(20'000, 1'000'000));
  family.Start();
  CHECK(family.Wait() == 0);
  CHECK(CountLines(Slurp(family.path("out.jsonl"))) == 10'000);
  CHECK_MESSAGE(family.log().find("ledger balances: every row is accounted for") != std::string::npos,
                family.log());
}

TEST_CASE("each worker that is killed brings a new attempt, and the output is whole in the end") {
  Family family(Numbers(80'000, 20'000));
  family.Start();
  for (size_t victim = 0; victim < 3; ++victim) {
    std::vector<pid_t> workers;
    REQUIRE(Eventually([&] {
      // What is said right after a kill may still be of the attempt before.
      if (Count(family.log(), "restarting in ") < static_cast<int64_t>(victim)) return false;
      workers = family.Workers();
      return family.Running() && workers.size() == 3;
    }));
    ::usleep(100'000);
    ::kill(workers[victim], SIGKILL);
    REQUIRE(Eventually([&] { return std::none_of(workers.begin(), workers.end(), Alive); }));
  }
  CHECK(family.Wait() == 0);
  CHECK(CountLines(Slurp(family.path("out.jsonl"))) == 40'000);
  const std::string log = family.log();
  CHECK_MESSAGE(log.find("and 3 restarts") != std::string::npos, log);
  CHECK(log.find("killed by signal 9 (Killed); restarting in ") != std::string::npos);
  CHECK(log.find("ledger balances") != std::string::npos);
}

TEST_CASE("no worker outlives a killed supervisor, and the next one starts cleanly") {
  Family family(Numbers(1'000'000, 1'000));
  family.Start();
  REQUIRE(Eventually([&] { return family.Running(); }));
  const std::vector<pid_t> workers = family.Workers();
  REQUIRE(workers.size() == 3);
  ::kill(family.pid(), SIGKILL);
  CHECK(family.Wait() == 128 + SIGKILL);
  CHECK(Eventually([&] { return std::none_of(workers.begin(), workers.end(), Alive); }));
  family.Start();
  CHECK(Eventually([&] { return family.Running(); }));
  ::kill(family.pid(), SIGTERM);
  CHECK(family.Wait() == 0);
}

TEST_CASE("SIGTERM drains what is under way and ends with 0, SIGINT of a bounded input with 130") {
  for (const auto& [signal, code] : {std::pair{SIGTERM, 0}, {SIGINT, 130}}) {
    Family family(Numbers(1'000'000, 10'000));
    family.Start();
    REQUIRE(Eventually([&] { return family.Running(); }));
    ::usleep(300'000);
    ::kill(family.pid(), signal);
    CHECK(family.Wait() == code);
    CHECK_MESSAGE(family.log().find("ledger balances") != std::string::npos, family.log());
  }
}

TEST_CASE("SIGTERM under back pressure ends when the reader goes on, and at the deadline when it does not") {
  for (const bool reads : {true, false}) {
    CAPTURE(reads);
    Family family(EndlessToStdout(reads ? "60s" : "3s"));
    family.Start();
    REQUIRE(Eventually([&] { return family.Running() && family.BackPressured(); }));
    const std::vector<pid_t> workers = family.Workers();
    ::kill(family.pid(), SIGTERM);
    if (reads) {
      std::vector<char> buffer(1 << 16);
      while (::read(family.stdout_read(), buffer.data(), buffer.size()) > 0) {
      }
      CHECK(family.Wait() == 0);
      CHECK_MESSAGE(family.log().find("ledger balances") != std::string::npos, family.log());
    } else {
      CHECK(family.Wait() == 1);
      CHECK(family.log().find("did not drain in time") != std::string::npos);
    }
    CHECK(std::none_of(workers.begin(), workers.end(), Alive));
  }
}

TEST_CASE("a second signal kills at once") {
  Family family(EndlessToStdout("1h"));
  family.Start();
  REQUIRE(Eventually([&] { return family.Running() && family.BackPressured(); }));
  ::kill(family.pid(), SIGINT);
  // Two signals that nobody has taken yet are one.
  REQUIRE(Eventually(
      [&] { return family.Admin("/status").find("\"phase\": \"stopping\"") != std::string::npos; }));
  ::kill(family.pid(), SIGINT);
  CHECK(family.Wait() == 130);
}

TEST_CASE(
    "a worker that is stopped for a while holds the others back; nothing is lost and nothing restarts") {
  Family family(Numbers(40'000, 20'000));
  family.Start();
  REQUIRE(Eventually([&] { return family.Running(); }));
  const std::vector<pid_t> workers = family.Workers();
  REQUIRE(workers.size() == 3);
  for (const pid_t worker : workers) {
    ::kill(worker, SIGSTOP);
    ::usleep(300'000);
    ::kill(worker, SIGCONT);
  }
  CHECK(family.Wait() == 0);
  CHECK(CountLines(Slurp(family.path("out.jsonl"))) == 20'000);
  CHECK(family.log().find("restart") == std::string::npos);
}

TEST_CASE("a second supervisor of the same state is refused with the first one's process id") {
  Family family(Numbers(1'000'000, 1'000));
  family.Start();
  REQUIRE(Eventually([&] { return family.Running(); }));
  Family second(Numbers(10, 10, ""));
  std::filesystem::copy_file(family.path("p.yaml"), second.path("p.yaml"),
                             std::filesystem::copy_options::overwrite_existing);
  second.Start();
  CHECK(second.Wait() == 3);
  CHECK_MESSAGE(second.log().find("is locked by pid " + std::to_string(family.pid())) != std::string::npos,
                second.log());
  CHECK(family.Running());
}

TEST_CASE("an input that cannot be opened ends at once with the environment's exit code") {
  Family family(
      "pipeline: missing\n"
      "settings: {state_dir: $DIR/state}\n"
      "sources: {n: {connector: file, path: $DIR/absent.jsonl, format: json, schema: {id: bigint}}}\n"
      "sinks: {out: {connector: discard, input: n}}\n");
  family.Start();
  CHECK(family.Wait() == 3);
  CHECK_MESSAGE(family.log().find("absent.jsonl") != std::string::npos, family.log());
  CHECK(family.log().find("restart") == std::string::npos);
}

TEST_CASE("the admin socket answers status and metrics, and stops the pipeline") {
  Family family(Numbers(1'000'000, 10'000));
  family.Start();
  REQUIRE(Eventually([&] { return family.Running(); }));
  CHECK(Eventually([&] {
    return family.Admin("/metrics").find("node=\"n\",port=\"ok\",fate=\"\"} 0\n") == std::string::npos;
  }));
  const std::string metrics = family.Admin("/metrics");
  CHECK(metrics.find(
            "streamrun_node_rows_total{pipeline=\"numbers\",node=\"even\",port=\"\",fate=\"filtered\"} ") !=
        std::string::npos);
  CHECK(metrics.find("streamrun_channel_full_seconds_total{") != std::string::npos);
  const std::string status = family.Admin("/status");
  CHECK(status.find("\"pid\": " + std::to_string(family.pid())) != std::string::npos);
  const auto socket = FindAdminSocket(family.path("state"));
  REQUIRE(socket.ok());
  CHECK(AdminGet(*socket, "/nothing").status().code() == Code::kNotFound);
  CHECK(AdminPost(*socket, "/stop").ok());
  CHECK(family.Wait() == 0);
  CHECK(!AdminPost(*socket, "/stop").ok());
}

TEST_CASE("SIGUSR1 writes the state of every worker to the log and SIGHUP changes nothing") {
  Family family(Numbers(1'000'000, 1'000));
  family.Start();
  REQUIRE(Eventually([&] { return family.Running(); }));
  ::kill(family.pid(), SIGUSR1);
  ::kill(family.pid(), SIGHUP);
  CHECK(Eventually([&] { return family.log().find("SIGHUP is ignored") != std::string::npos; }));
  CHECK(Eventually([&] { return family.log().find("state=running blocked_on=") != std::string::npos; }));
  CHECK(family.Running());
}

}  // namespace
}  // namespace streamrun
