using System.Globalization;
using System.Text;
using Posthorn.Storage.Messages;

namespace Posthorn.Transfer.Files;

/// <summary>What the fields that programs add to a message in an mbox tell of it, taken together.</summary>
struct MboxFlags()
{
    static readonly (int Bit, MessageFlags Flag)[] MozillaBits =
    [
        (0x0001, MessageFlags.Seen), (0x0002, MessageFlags.Answered), (0x0004, MessageFlags.Flagged), (0x1000, MessageFlags.Forwarded),
    ];

    /// <summary>Deleted; the file was not compacted since.</summary>
    const int MozillaExpunged = 0x0008;

    readonly List<string> _keywords = [];
    MessageFlags _bits;
    bool _mozilla;
    bool _own; // fields of the message itself have begun

    /// <summary>True for a message that was deleted and is still in the file.</summary>
    internal bool IsDeleted { get; private set; }

    internal readonly MailFlags Flags => MailFlags.Of(_keywords, _bits);

    /// <summary>A field of the message itself.</summary>
    internal void Pass(ReadOnlySpan<byte> line) => _own |= !line.StartsWith("X-Account-Key:"u8) && !line.StartsWith("X-UIDL:"u8);

    /// <summary>Adds what one field says.</summary>
    /// <param name="name">As <see cref="MboxStatus.IsAdded"/> gave it.</param>
    /// <param name="line">The whole field.</param>
    internal void Read(string name, ReadOnlySpan<byte> line)
    {
        var value = Encoding.Latin1.GetString(line[(line.IndexOf((byte)':') + 1)..]);
        switch (name)
        {
            case "Status" or "X-Status":
                foreach (var (letter, flag) in MboxStatus.Letters)
                    if (value.Contains(letter)) _bits |= flag;
                break;
            case "X-Keywords" or "X-Mozilla-Keys":
                _keywords.AddRange(value.Split([' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries));
                break;
            // Thunderbird puts a new one before those that a message had when it was copied. That it is deleted only one says
            // that stands before the message's own fields: what was sent on from elsewhere is to be lost by nothing.
            case "X-Mozilla-Status" when !_mozilla && int.TryParse(value.Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var status):
                _mozilla = true;
                IsDeleted = !_own && (status & MozillaExpunged) != 0;
                foreach (var (bit, flag) in MozillaBits)
                    if ((status & bit) != 0) _bits |= flag;
                break;
        }
    }
}
