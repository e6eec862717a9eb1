using System.Text.Json.Nodes;

namespace Posthorn.Cli;

/// <summary>Where a password comes from.</summary>
sealed record PasswordSource(string Name, bool Stdin, string? File);

/// <summary>What was typed for a verb, before files and passwords are read.</summary>
sealed class VerbInput
{
    public JsonObject Values { get; } = [];
    public PasswordSource? Password { get; set; }
    public (string Name, string File)? Content { get; set; }
    public bool Yes { get; init; }
    public bool DryRun { get; init; }
    public bool Json { get; init; }
}
