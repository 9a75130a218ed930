// Errors are values: Status says what went wrong, whose fault it is and whether a retry may help.
//
// A Status is one pointer: null is success, so the happy path copies and tests one word.
// Result<T> is a T or the Status that explains its absence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace streamrun {

/// What kind of failure, in the sense a caller may branch on.
enum class Code : uint8_t {
  kOk,
  kInvalidArgument,    // the input is wrong and will stay wrong
  kNotFound,           // a named thing does not exist
  kAlreadyExists,      // a thing exists that must not
  kPermissionDenied,   // the operating system or a peer refused
  kUnavailable,        // a peer or resource is away for now; retrying may help
  kIoError,            // reading or writing failed
  kCorruption,         // stored or received bytes are not what was written
  kResourceExhausted,  // disk, memory, descriptors or a configured limit
  kUnsupported,        // understood, but not offered here
  kCancelled,          // asked to stop
  kInternal,           // a bug in streamrun
};

/// Who can mend it.
enum class Fault : uint8_t { kUser, kExternal, kInternal };

/// Stable lower-case name of a code ("not_found"), used in logs and JSON.
std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  /// Success.
  Status() = default;
  /// `message` is one sentence that says what, where and what to do. Fault follows from the code:
  /// kInternal is ours, kUnavailable and kIoError are external, the rest is the user's.
  Status(Code code, std::string message);

  static Status Ok() { return {}; }
  static Status InvalidArgument(std::string m) { return {Code::kInvalidArgument, std::move(m)}; }
  static Status NotFound(std::string m) { return {Code::kNotFound, std::move(m)}; }
  static Status Unavailable(std::string m) { return {Code::kUnavailable, std::move(m)}; }
  static Status IoError(std::string m) { return {Code::kIoError, std::move(m)}; }
  static Status Corruption(std::string m) { return {Code::kCorruption, std::move(m)}; }
  static Status ResourceExhausted(std::string m) { return {Code::kResourceExhausted, std::move(m)}; }
  static Status Unsupported(std::string m) { return {Code::kUnsupported, std::move(m)}; }
  static Status Cancelled(std::string m) { return {Code::kCancelled, std::move(m)}; }
  static Status Internal(std::string m) { return {Code::kInternal, std::move(m)}; }

  /// A failed system call: "<what>: <strerror(errno_value)>" with the code that errno means.
  static Status FromErrno(int errno_value, std::string_view what);

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  Fault fault() const { return rep_ ? rep_->fault : Fault::kUser; }
  /// True when the same call may succeed later without anyone changing anything.
  bool retryable() const { return rep_ && rep_->retryable; }
  /// Empty for success.
  const std::string& message() const;
  /// "not_found: message", or "ok".
  std::string ToString() const;

  /// The same failure with `context` and ": " in front of its message; no effect on success.
  Status WithContext(std::string_view context) const;
  Status WithFault(Fault fault) const;
  Status WithRetry(bool retryable) const;

 private:
  struct Rep {
    Code code;
    Fault fault;
    bool retryable;
    std::string message;
  };
  std::shared_ptr<const Rep> rep_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: `status` must not be ok
  template <typename U>
  requires(std::is_convertible_v<U, T> && !std::is_same_v<std::decay_t<U>, Status> &&
           !std::is_same_v<std::decay_t<U>, Result> && !std::is_same_v<std::decay_t<U>, T>) Result(U&& value)
      : value_(std::forward<U>(value)) {}  // NOLINT

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

/// Ends the process with file, line and message after logging it: only for our own bugs.
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);

}  // namespace streamrun

#define SR_CONCAT_INNER(a, b) a##b
#define SR_CONCAT(a, b) SR_CONCAT_INNER(a, b)

/// Returns from the enclosing function when `expr` (a Status) is an error.
#define SR_RETURN_IF_ERROR(expr)                                                      \
  do {                                                                                \
    if (::streamrun::Status sr_status_ = (expr); !sr_status_.ok()) return sr_status_; \
  } while (0)

/// `SR_ASSIGN_OR_RETURN(auto x, F());` declares x from a Result or returns its Status.
#define SR_ASSIGN_OR_RETURN(decl, expr) SR_ASSIGN_OR_RETURN_IMPL(SR_CONCAT(sr_result_, __LINE__), decl, expr)
#define SR_ASSIGN_OR_RETURN_IMPL(tmp, decl, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return tmp.status();             \
  decl = std::move(tmp).value()

/// Aborts when a condition that our own code guarantees does not hold; stays on in production.
#define SR_CHECK(cond)                                    \
  (__builtin_expect(static_cast<bool>(cond), 1) ? void(0) \
                                                : ::streamrun::CheckFailed(__FILE__, __LINE__, #cond))
