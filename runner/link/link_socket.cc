#include "runner/link/link_socket.h"

#include <sys/stat.h>
#include <zmq.h>

#include <atomic>
#include <cstring>

namespace streamrun {

namespace {

Status ZmqError(const std::string& what) {
  const int error = zmq_errno();
  if (error == EADDRINUSE) return {Code::kAlreadyExists, what + ": the address is in use"};
  return Status::IoError(what + ": " + zmq_strerror(error));
}

Status SetInt(void* socket, int option, int value) {
  if (zmq_setsockopt(socket, option, &value, sizeof(value)) != 0)
    return ZmqError("cannot set a socket option");
  return Status::Ok();
}

int GetInt(void* socket, int option) {
  int value = 0;
  size_t size = sizeof(value);
  return zmq_getsockopt(socket, option, &value, &size) == 0 ? value : 0;
}

Status SetOptions(void* socket, int high_water, int64_t max_message) {
  SR_RETURN_IF_ERROR(SetInt(socket, ZMQ_SNDHWM, high_water));
  SR_RETURN_IF_ERROR(SetInt(socket, ZMQ_RCVHWM, high_water));
  SR_RETURN_IF_ERROR(SetInt(socket, ZMQ_LINGER, 0));
  SR_RETURN_IF_ERROR(SetInt(socket, ZMQ_RECONNECT_IVL, -1));
  if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_message, sizeof(max_message)) != 0) {
    return ZmqError("cannot set the message size limit");
  }
  return Status::Ok();
}

constexpr std::string_view kIpc = "ipc://";

}  // namespace

LinkContext::LinkContext() : handle_(zmq_ctx_new()) { SR_CHECK(handle_ != nullptr); }
LinkContext::~LinkContext() { zmq_ctx_term(handle_); }

Result<std::unique_ptr<LinkSocket>> LinkSocket::Open(LinkContext& context, Direction direction,
                                                     const std::string& endpoint, int high_water,
                                                     int64_t max_message) {
  std::unique_ptr<LinkSocket> link(new LinkSocket);
  link->direction_ = direction;
  link->socket_ = zmq_socket(context.handle(), direction == Direction::kSend ? ZMQ_PUSH : ZMQ_PULL);
  if (link->socket_ == nullptr) return ZmqError("cannot make a link socket");
  SR_RETURN_IF_ERROR(SetOptions(link->socket_, high_water, max_message));
  SR_RETURN_IF_ERROR(link->OpenMonitor(context));
  if (direction == Direction::kReceive) {
    if (zmq_bind(link->socket_, endpoint.c_str()) != 0) return ZmqError("cannot bind " + endpoint);
    // Connecting needs write permission on the socket file; the directory is 0700 already.
    if (endpoint.starts_with(kIpc)) ::chmod(endpoint.c_str() + kIpc.size(), 0600);
  } else if (zmq_connect(link->socket_, endpoint.c_str()) != 0) {
    return ZmqError("cannot connect to " + endpoint);
  }
  link->fd_ = GetInt(link->socket_, ZMQ_FD);
  return link;
}

Status LinkSocket::OpenMonitor(LinkContext& context) {
  static std::atomic<uint64_t> next{0};
  const std::string endpoint = "inproc://link-monitor-" + std::to_string(next++);
  const int events = ZMQ_EVENT_DISCONNECTED | (direction_ == Direction::kSend ? ZMQ_EVENT_CLOSED : 0);
  if (zmq_socket_monitor(socket_, endpoint.c_str(), events) != 0)
    return ZmqError("cannot monitor a link socket");
  monitor_ = zmq_socket(context.handle(), ZMQ_PAIR);
  if (monitor_ == nullptr) return ZmqError("cannot make a monitor socket");
  SR_RETURN_IF_ERROR(SetInt(monitor_, ZMQ_LINGER, 0));
  if (zmq_connect(monitor_, endpoint.c_str()) != 0) return ZmqError("cannot connect a monitor socket");
  monitor_fd_ = GetInt(monitor_, ZMQ_FD);
  return Status::Ok();
}

LinkSocket::~LinkSocket() {
  if (socket_ != nullptr) {
    zmq_socket_monitor(socket_, nullptr, 0);
    zmq_close(socket_);
  }
  if (monitor_ != nullptr) zmq_close(monitor_);
}

bool LinkSocket::Ready() {
  return (GetInt(socket_, ZMQ_EVENTS) & (direction_ == Direction::kSend ? ZMQ_POLLOUT : ZMQ_POLLIN)) != 0;
}

bool LinkSocket::PeerGone() {
  // Only events that mean "gone" were asked for: any first part (u16 event, u32 value) is one.
  zmq_msg_t part;
  while (!peer_gone_) {
    zmq_msg_init(&part);
    const int size = zmq_msg_recv(&part, monitor_, ZMQ_DONTWAIT);
    uint16_t event = 0;
    if (size >= 2) std::memcpy(&event, zmq_msg_data(&part), 2);
    const bool more = size >= 0 && zmq_msg_more(&part) != 0;
    zmq_msg_close(&part);
    if (size < 0) break;
    if (more && (event == ZMQ_EVENT_DISCONNECTED || event == ZMQ_EVENT_CLOSED)) peer_gone_ = true;
  }
  return peer_gone_;
}

}  // namespace streamrun
