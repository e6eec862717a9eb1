using System.Buffers;
using Posthorn.Wire.Addresses;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>From the path of a route to that of a recipient.</summary>
static class FilePath
{
    // What a sender writes becomes part of a path, so only these: no "/", no control character, nothing that a shell or a
    // listing would take for something else.
    static readonly SearchValues<char> Plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

    /// <summary>Null when the recipient has no place in it.</summary>
    internal static string? For(string template, EmailAddress recipient)
    {
        var user = recipient.LocalPart.ToLowerInvariant();
        if (template.Contains("{user}", StringComparison.Ordinal) && !IsPlain(user)) return null;
        if (template.Contains("{domain}", StringComparison.Ordinal) && !IsPlain(recipient.Domain)) return null;
        // In one pass: a local part "{domain}" is not plain, but the rule should not hang on that.
        return string.Join(recipient.Domain, template.Split("{domain}").Select(piece => piece.Replace("{user}", user, StringComparison.Ordinal)));
    }

    /// <summary>A leading dot would hide the file, "." and ".." would be other directories; a leading "-" is an option to many tools.</summary>
    internal static bool IsPlain(ReadOnlySpan<char> name) => name.Length > 0 && name[0] is not ('.' or '-') && !name.ContainsAnyExcept(Plain);
}
