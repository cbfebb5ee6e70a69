// The table of services: every kind can be made, and every mistake has its sentence.
#include "services/registry.h"

#include <gtest/gtest.h>

namespace millrace::services {
namespace {

TEST(ServiceRegistry, EveryKind_CanBeMade) {
  for (const ServiceKind& kind : service_kinds()) {
    auto service = make_service({.kind = std::string(kind.kind), .name = "", .directory = ""});
    ASSERT_TRUE(service) << service.error();
    EXPECT_NE(*service, nullptr);
    EXPECT_TRUE(kind.doc.ends_with('.')) << kind.kind;
  }
}

TEST(ServiceRegistry, UnknownKind_NamesTheKnownOnes) {
  auto service = make_service({.kind = "htpp", .name = "web", .directory = ""});
  ASSERT_FALSE(service);
  EXPECT_EQ(service.error(),
            "service 'web': there is no kind 'htpp'; choose one of http, echo, discard, chargen, rpc");
}

TEST(ServiceRegistry, DirectoryForAServiceWithoutFiles_IsRefused) {
  auto service = make_service({.kind = "echo", .name = "", .directory = "/srv"});
  ASSERT_FALSE(service);
  EXPECT_EQ(service.error(), "service 'echo': echo takes no directory; leave it out");
}

TEST(ServiceRegistry, MissingDirectory_IsNamed) {
  auto service = make_service({.kind = "http", .name = "", .directory = "/nonexistent/files"});
  ASSERT_FALSE(service);
  EXPECT_NE(service.error().find("'/nonexistent/files' cannot be opened"), std::string::npos)
      << service.error();
}

TEST(ServiceRegistry, Maker_MakesOneAShard) {
  auto maker = prepare_service({.kind = "http", .name = "", .directory = ""});
  ASSERT_TRUE(maker);
  const auto first = (*maker)();
  const auto second = (*maker)();
  EXPECT_NE(first.get(), second.get());
}

}  // namespace
}  // namespace millrace::services
