#include "runner/process/secrecy.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace streamrun {
namespace {

ConfigValue Nested(bool secret) {
  ConfigValue token = ConfigValue::Scalar("tr0ub4dor-and-3", true, {});
  if (secret) token.set_secret();
  const auto map = [](const char* key, ConfigValue value) {
    return ConfigValue::Map({{ConfigValue::Scalar(key, false, {}), std::move(value)}}, {});
  };
  return map("sink",
             map("urls", ConfigValue::List({ConfigValue::Scalar("a", true, {}), std::move(token)}, {})));
}

// In a process of its own: it is for good.
bool DumpsCoreAfter(const ConfigValue& configuration) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    KeepSecrets(configuration);
    ::_exit(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status) != 0;
}

TEST_CASE("scenario 81: a process with a secret leaves no core, one without does") {
  CHECK(!DumpsCoreAfter(Nested(true)));
  CHECK(DumpsCoreAfter(Nested(false)));
}

}  // namespace
}  // namespace streamrun
