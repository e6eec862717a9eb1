namespace Posthorn.Serving;

/// <summary>What the demo prints: lines to paste, from any directory.</summary>
static class DemoGuide
{
    public static string Text(DemoRequest request, string data, bool thrownAway, IReadOnlyList<DemoAccount> accounts)
    {
        var (alice, bob) = (accounts[0], accounts[1]);
        int Port(int standard) => request.PortBase + standard;
        return $"""
            Posthorn is ready. {(thrownAway ? "Everything is thrown away when it ends (Ctrl-C)." : $"Everything is kept in {data}.")}

              account                     password             app password
              {alice.Address,-26}  {alice.Password}  {alice.AppPassword}
              {bob.Address,-26}  {bob.Password}  {bob.AppPassword}

              smtp        127.0.0.1:{Port(25)}   STARTTLS, mail from other servers
              submission  127.0.0.1:{Port(587)}   STARTTLS, login
              submissions 127.0.0.1:{Port(465)}   TLS, login
              pop3        127.0.0.1:{Port(110)}   STARTTLS
              pop3s       127.0.0.1:{Port(995)}   TLS
              imap        127.0.0.1:{Port(143)}   STARTTLS
              imaps       127.0.0.1:{Port(993)}   TLS

            Send alice a message with an attachment, as another mail server would:

              swaks --server 127.0.0.1:{Port(25)} --from carol@elsewhere.example --to {alice.Address} --header "Subject: Hello" --body "It works." --attach-type text/plain --attach-name hello.txt --attach @{data}/hello.txt

            Send alice a message as bob, with login and TLS:

              swaks --server 127.0.0.1:{Port(587)} --tls --auth PLAIN --auth-user {bob.Address} --auth-password {bob.Password} --from {bob.Address} --to {alice.Address} --header "Subject: From bob" --body "Hello alice."

            The same with curl:

              printf 'From: {bob.Address}\r\nTo: {alice.Address}\r\nSubject: By curl\r\n\r\nHello alice.\r\n' | curl -s --ssl-reqd --insecure --user {bob.Address}:{bob.Password} --mail-from {bob.Address} --mail-rcpt {alice.Address} --upload-file - smtp://127.0.0.1:{Port(587)}

            List alice's messages, and read the first one:

              curl -s --user {alice.Address}:{alice.Password} pop3://127.0.0.1:{Port(110)}/
              curl -s --user {alice.Address}:{alice.Password} pop3://127.0.0.1:{Port(110)}/1

            Thunderbird: new account with "Configure manually": incoming IMAP, host 127.0.0.1, port {Port(993)}, SSL/TLS, normal
            password, user {alice.Address}; outgoing SMTP, host 127.0.0.1, port {Port(465)}, SSL/TLS, normal password, the same user.
            Accept the self-signed certificate when asked.

            Mail to other domains is taken and held, never sent. The other commands work here too:

              posthorn --config {data}/posthorn.json account list

            """;
    }
}
