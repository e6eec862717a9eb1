using Posthorn.Smtp.Server;

namespace Posthorn.Delivery.Inbound;

/// <summary>The replies that are always the same. Their texts tell a stranger nothing about us.</summary>
static class Replies
{
    internal static readonly SmtpReply SenderOk = new(250, "2.1.0", "Sender ok");
    internal static readonly SmtpReply RecipientOk = new(250, "2.1.5", "Recipient ok");
    internal static readonly SmtpReply LoginFirst = new(530, "5.7.0", "Authentication required");
    internal static readonly SmtpReply NotYourSender = new(553, "5.7.1", "This sender address does not belong to your login");
    internal static readonly SmtpReply NotYourFrom = new(550, "5.7.1", "The From or Sender address does not belong to your login");
    internal static readonly SmtpReply BadFrom = new(550, "5.6.0", "The message needs exactly one readable From field");
    internal static readonly SmtpReply BrokenHeader = new(550, "5.6.0", "Bare CR, LF or NUL in the header of the message");
    internal static readonly SmtpReply HeaderTooBig = new(552, "5.3.4", "The header of the message is too big");
    internal static readonly SmtpReply Loop = new(554, "5.4.6", "Too many hops, the message loops");
    internal static readonly SmtpReply ForwardLoop = new(554, "5.4.6", "Mail forwarding loop");
    internal static readonly SmtpReply OverQuota = new(452, "4.2.2", "The mailbox is full");
    internal static readonly SmtpReply NoSpace = new(452, "4.3.1", "Insufficient system storage");
    internal static readonly SmtpReply Fault = new(451, "4.3.0", "Local error in processing, try again later");
}
