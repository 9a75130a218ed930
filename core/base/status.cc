#include "core/base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace streamrun {

namespace {

Fault FaultOf(Code code) {
  switch (code) {
    case Code::kInternal:
      return Fault::kInternal;
    case Code::kUnavailable:
    case Code::kIoError:
    case Code::kCorruption:
    case Code::kResourceExhausted:
      return Fault::kExternal;
    default:
      return Fault::kUser;
  }
}

}  // namespace

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kNotFound:
      return "not_found";
    case Code::kAlreadyExists:
      return "already_exists";
    case Code::kPermissionDenied:
      return "permission_denied";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kIoError:
      return "io_error";
    case Code::kCorruption:
      return "corruption";
    case Code::kResourceExhausted:
      return "resource_exhausted";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

Status::Status(Code code, std::string message)
    : rep_(std::make_shared<const Rep>(
          Rep{code, FaultOf(code), code == Code::kUnavailable, std::move(message)})) {}

Status Status::FromErrno(int errno_value, std::string_view what) {
  Code code = Code::kIoError;
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
      code = Code::kNotFound;
      break;
    case EEXIST:
      code = Code::kAlreadyExists;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::kPermissionDenied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
      code = Code::kResourceExhausted;
      break;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT:
    case EAGAIN:
    case EPIPE:
      code = Code::kUnavailable;
      break;
    default:
      break;
  }
  return {code, std::string(what) + ": " + std::strerror(errno_value)};
}

const std::string& Status::message() const {
  static const std::string kEmpty;
  return rep_ ? rep_->message : kEmpty;
}

std::string Status::ToString() const {
  return rep_ ? std::string(CodeName(rep_->code)) + ": " + rep_->message : "ok";
}

Status Status::WithContext(std::string_view context) const {
  if (!rep_) return *this;
  Rep rep = *rep_;
  rep.message = std::string(context) + ": " + rep.message;
  Status result;
  result.rep_ = std::make_shared<const Rep>(std::move(rep));
  return result;
}

Status Status::WithFault(Fault fault) const {
  if (!rep_) return *this;
  Rep rep = *rep_;
  rep.fault = fault;
  Status result;
  result.rep_ = std::make_shared<const Rep>(std::move(rep));
  return result;
}

Status Status::WithRetry(bool retryable) const {
  if (!rep_) return *this;
  Rep rep = *rep_;
  rep.retryable = retryable;
  Status result;
  result.rep_ = std::make_shared<const Rep>(std::move(rep));
  return result;
}

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "streamrun: internal error at %s:%d: %s (please report this)\n", file, line, what);
  std::abort();
}

}  // namespace streamrun
