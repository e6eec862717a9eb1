using System.Runtime.CompilerServices;
namespace Posthorn.Tests.Unit.Delivery;
static class Golden
{
    internal static void Is(string name, string text, [CallerFilePath] string here = "") =>
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(here)!, "Golden", name), text.Replace("\r\n", "\n"));
}
