using Posthorn.Cli;

namespace Posthorn.Serving;

sealed record DemoRequest(string? Data, string Domain, int PortBase, bool Json);

static class DemoCommand
{
    public static Task<int> RunAsync(DemoRequest request, Terminal terminal) => Task.FromResult(1);
}
