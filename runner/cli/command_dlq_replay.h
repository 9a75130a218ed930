// streamrun dlq replay, the part of dlq that changes something.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace streamrun {

struct CliResult;

/// --node and --where of the dlq commands; what they set outlives the command.
void AddLetterFilters(CLI::App* command, std::string* node, std::string* where);
void AddDlqReplay(CLI::App* dlq, CliResult& result);

}  // namespace streamrun
