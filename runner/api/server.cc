#include "runner/api/server.h"

#include <httplib.h>
#include <sys/stat.h>

#include <charconv>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "runner/api/metrics.h"

namespace streamrun {

namespace {

// RELIABILITY 7: bodies, times and connections of the admin API are bounded.
constexpr size_t kMaxBody = 1 << 20;
constexpr time_t kTimeoutSeconds = 10;
constexpr size_t kThreads = 2;

// Answers that can still be asked for.
constexpr size_t kTickets = 64;

std::string PrintReport(const SavepointTicket& ticket) {
  static constexpr const char* kPhases[] = {"waiting", "taken", "failed"};
  const SavepointReport report = ticket.Get();
  const nlohmann::ordered_json json = {{"name", ticket.name()},
                                       {"state", kPhases[static_cast<size_t>(report.phase)]},
                                       {"epoch", report.epoch},
                                       {"path", report.path},
                                       {"note", report.note}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

class HttpAdmin final : public AdminServer {
 public:
  HttpAdmin(const StatusBoard* board, CommandQueue* commands) : board_(board), commands_(commands) {
    server_.set_address_family(AF_UNIX);
    server_.set_payload_max_length(kMaxBody);
    server_.set_read_timeout(kTimeoutSeconds);
    server_.set_write_timeout(kTimeoutSeconds);
    // A kept connection would hold one of the few threads.
    server_.set_keep_alive_max_count(1);
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    AddRoutes();
  }

  ~HttpAdmin() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status Listen(const std::string& path) {
    // The port means nothing on a unix socket, but 0 would ask for its number.
    if (!server_.bind_to_port(path, 80)) {
      return {Code::kAlreadyExists, "cannot listen on the admin socket " + path};
    }
    ::chmod(path.c_str(), 0600);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() before the loop runs would be lost.
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::microseconds(50));
    return Status::Ok();
  }

 private:
  void AddRoutes() {
    using Request = httplib::Request;
    using Response = httplib::Response;
    server_.Get("/status", [this](const Request&, Response& response) {
      response.set_content(StatusToJson(*board_->Get()) + "\n", "application/json");
    });
    server_.Get("/metrics", [this](const Request&, Response& response) {
      response.set_content(RenderMetrics(*board_->Get()), "text/plain; version=0.0.4");
    });
    server_.Get("/healthz", [this](const Request&, Response& response) {
      const Phase phase = board_->Get()->phase;
      const bool well = phase == Phase::kStarting || phase == Phase::kRunning || phase == Phase::kStopping;
      response.status = well ? 200 : 503;
      response.set_content(std::string(PhaseName(phase)) + "\n", "text/plain");
    });
    AddCommand("/stop", AdminCommand::Kind::kStop);
    AddCommand("/dump", AdminCommand::Kind::kDump);
    AddSavepoints();
    AddReplay();
  }

  void AddReplay() {
    server_.Post("/replay", [this](const httplib::Request& request, httplib::Response& response,
                                   const httplib::ContentReader&) {
      const std::string text = request.get_param_value("order");
      uint64_t order = 0;
      const auto read = std::from_chars(text.data(), text.data() + text.size(), order);
      if (read.ec != std::errc() || read.ptr != text.data() + text.size() || order == 0) {
        response.status = 400;
        response.set_content("{\"error\": \"order is no number\"}\n", "application/json");
        return;
      }
      commands_->Post({AdminCommand::Kind::kReplay, nullptr, order});
      response.status = 202;
      response.set_content("{\"accepted\": true}\n", "application/json");
    });
  }

  // Asking and waiting are apart: an answer that waits would hold one of the few threads.
  void AddSavepoints() {
    server_.Post("/savepoint", [this](const httplib::Request& request, httplib::Response& response,
                                      const httplib::ContentReader&) {
      auto ticket = std::make_shared<SavepointTicket>(request.get_param_value("name"));
      const uint64_t id = Keep(ticket);
      commands_->Post({AdminCommand::Kind::kSavepoint, std::move(ticket)});
      response.status = 202;
      response.set_content("{\"id\": " + std::to_string(id) + "}\n", "application/json");
    });
    server_.Get("/savepoint", [this](const httplib::Request& request, httplib::Response& response) {
      const SavepointTicketPtr ticket = Find(request.get_param_value("id"));
      if (ticket == nullptr) {
        response.status = 404;
        response.set_content("{\"error\": \"no such id\"}\n", "application/json");
      } else {
        response.set_content(PrintReport(*ticket) + "\n", "application/json");
      }
    });
  }

  uint64_t Keep(SavepointTicketPtr ticket) {
    const std::lock_guard lock(mutex_);
    tickets_.push_back(std::move(ticket));
    if (tickets_.size() > kTickets) {
      tickets_.pop_front();
      ++first_ticket_;
    }
    return first_ticket_ + tickets_.size() - 1;
  }

  SavepointTicketPtr Find(const std::string& id) {
    uint64_t number = 0;
    const auto read = std::from_chars(id.data(), id.data() + id.size(), number);
    const std::lock_guard lock(mutex_);
    if (read.ec != std::errc() || number < first_ticket_) return nullptr;
    return number - first_ticket_ < tickets_.size() ? tickets_[number - first_ticket_] : nullptr;
  }

  void AddCommand(const std::string& path, AdminCommand::Kind command) {
    // With a reader the body is left alone: `curl -X POST` sends no length, and waiting for the end would
    // time out.
    server_.Post(path, [this, command](const httplib::Request&, httplib::Response& response,
                                       const httplib::ContentReader&) {
      commands_->Post({command});
      response.status = 202;
      response.set_content("{\"accepted\": true}\n", "application/json");
    });
  }

  const StatusBoard* board_;
  CommandQueue* commands_;
  std::mutex mutex_;
  std::deque<SavepointTicketPtr> tickets_;
  uint64_t first_ticket_ = 1;
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AdminServer>> StartAdminServer(const std::string& socket_path,
                                                      const StatusBoard* board, CommandQueue* commands) {
  auto admin = std::make_unique<HttpAdmin>(board, commands);
  SR_RETURN_IF_ERROR(admin->Listen(socket_path));
  return std::unique_ptr<AdminServer>(std::move(admin));
}

}  // namespace streamrun
