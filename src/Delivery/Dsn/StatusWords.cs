namespace Posthorn.Delivery.Dsn;

/// <summary>What the codes of RFC 3463 mean for somebody who wrote a letter: whose fault it probably is, and what to do.</summary>
static class StatusWords
{
    /// <summary>Why a message cannot be delivered at all, in whole sentences; by subject and detail, since the class says no more here.</summary>
    /// <param name="status">An enhanced status code, whatever its class.</param>
    internal static string Of(string status) => Known(status[(status.IndexOf('.') + 1)..]);

    static string Known(string code) => code switch
    {
        "1.1" or "1.6" => "This address does not exist there. Check the spelling, or ask the person for the right address.",
        "1.2" or "4.4" => "There is no such domain, or it takes no mail. Check the spelling of what stands behind the @.",
        "1.10" => "The domain behind the @ takes no mail at all, and says so. Check the spelling, or ask the person for another address.",
        "1.3" => "The other server does not understand this address. Check the spelling.",
        "1.7" or "1.8" => "The other server does not accept your own address as a sender. Your postmaster can find out why.",
        "2.1" => "The mailbox is switched off. Reach the person by another way.",
        "2.2" => "The mailbox is full. Reach the person by another way, and send the message again when there is room.",
        "2.3" or "3.4" => "The message is larger than the other server takes. Send less, or put the large part elsewhere and send where it is.",
        "2.4" => "The other server cannot pass mail on to this list now. The people who run it can mend that.",
        "4.6" => "The servers would pass the message round in a circle: something there is set up wrongly. The people who run them can mend that.",
        "4.7" => "It was too old to be tried any longer.",
        "6.7" or "6.8" or "6.9" or "6.10" => "The other server cannot take addresses or headers with letters beyond A to Z. Use another address, if there is one.",
        ['1', '.', ..] => "Something is wrong with this address. Check the spelling, or ask the person for the right address.",
        ['2', '.', ..] => "Something is wrong with this mailbox. Reach the person by another way.",
        ['3', '.', ..] => "The other server is not able to take this message. The people who run it can find out why.",
        ['4', '.', ..] => "The message could not be brought to the other server. The people who run it, or your postmaster, can find out why.",
        ['5', '.', ..] => "This server and the other one did not understand each other. Your postmaster can find out why.",
        ['6', '.', ..] => "The other server does not take messages of this kind. Send it in another form, without attachments for instance.",
        ['7', '.', ..] => "The other server refused the message by its rules: often because it takes it for unwanted mail, or does not trust where it is from. Its words may say more; your postmaster can find out why.",
        _ => "The other server did not take it.",
    };

    /// <summary>A code as RFC 3464 §2.3.4 has it, of this class; when the one found is not, the general one of the class.</summary>
    internal static string Valid(string found, char status)
    {
        var parts = found.Split('.');
        return parts.Length == 3 && parts[0].Length == 1 && parts[0][0] == status && IsNumber(parts[1]) && IsNumber(parts[2]) ? found : status + ".0.0";
    }

    static bool IsNumber(string text) => text.Length is >= 1 and <= 3 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}
