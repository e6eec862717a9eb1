using System.Runtime.CompilerServices;
using Shouldly;

namespace Posthorn.Tests.Unit.Delivery;

/// <summary>Texts kept in files, with the line ends of the wire.</summary>
static class Golden
{
    internal static void Is(string name, string text, [CallerFilePath] string here = "") =>
        text.ShouldBe(File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "Golden", name)).ReplaceLineEndings("\r\n"));
}
