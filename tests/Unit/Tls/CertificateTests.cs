using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Posthorn.Tls.Certificates;
using Shouldly;
using Xunit;

namespace Posthorn.Tests.Unit.Tls;

public sealed class CertificateTests : IDisposable
{
    readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("posthorn-tls-");

    public void Dispose() => _home.Delete(recursive: true);

    CertificateStore Store(string host = "mail.example.test") => new(Path.Combine(_home.FullName, "tls"), host, TimeProvider.System, NullLogger.Instance);

    CertificateFiles Make(string name, params string[] dns)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var d in dns) names.AddDnsName(d);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        var files = new CertificateFiles(Path.Combine(_home.FullName, name + ".pem"), Path.Combine(_home.FullName, name + ".key"), []);
        File.WriteAllText(files.Certificate, made.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(files.Key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return files;
    }

    static string Shown(ListenerTls tls, string? name) => tls.Options(name).ServerCertificateContext!.TargetCertificate.Subject;

    [Fact]
    public void Without_a_certificate_one_is_made_kept_and_ours_alone()
    {
        var first = Store();
        first.Load([]);
        var leaf = first.ForListener("smtp").Leaf;
        leaf.Subject.ShouldBe("CN=mail.example.test");
        leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames().ShouldBe(["mail.example.test", "localhost"]);
        File.GetUnixFileMode(Path.Combine(_home.FullName, "tls/self-signed.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var again = Store();
        again.Load([]);
        again.ForListener("smtp").Leaf.Thumbprint.ShouldBe(leaf.Thumbprint);

        var renamed = Store("mx.example.test");
        renamed.Load([]);
        renamed.ForListener("smtp").Leaf.Subject.ShouldBe("CN=mx.example.test");
    }

    [Theory]
    [InlineData("mail.one.test", "CN=one")]
    [InlineData("MAIL.one.test.", "CN=one")]
    [InlineData("pop.two.test", "CN=wild")]
    [InlineData("mx.two.test", "CN=two")]
    [InlineData("a.b.two.test", "CN=one")]
    [InlineData("two.test", "CN=one")]
    [InlineData("unknown.test", "CN=one")]
    [InlineData("", "CN=one")]
    [InlineData(null, "CN=one")]
    public void The_certificate_fits_the_name_asked_for(string? name, string subject)
    {
        var store = Store();
        store.Load([Make("one", "mail.one.test"), Make("wild", "*.two.test"), Make("two", "mx.two.test")]);
        Shown(store.ForListener("smtp"), name).ShouldBe(subject);
    }

    [Fact]
    public void Configured_hosts_stand_in_for_the_names_in_the_certificate()
    {
        var store = Store();
        store.Load([Make("one", "a.test"), Make("two", "b.test") with { Hosts = ["c.test"] }]);
        var tls = store.ForListener("smtp");
        Shown(tls, "b.test").ShouldBe("CN=one");
        Shown(tls, "c.test").ShouldBe("CN=two");
    }

    [Fact]
    public void A_reload_replaces_all_and_an_error_replaces_nothing()
    {
        var store = Store();
        var tls = store.ForListener("smtp");
        store.Load([Make("one", "a.test")]);
        Shown(tls, null).ShouldBe("CN=one");
        store.Load([Make("two", "a.test")]);
        Shown(tls, null).ShouldBe("CN=two");
        Should.Throw<CertificateException>(() => store.Load([Make("three", "a.test"), new("/no/such.pem", "/no/such.key", [])])).Message.ShouldStartWith("/no/such.key: cannot be read");
        Shown(tls, null).ShouldBe("CN=two");
    }

    [Fact]
    public void What_is_wrong_with_a_file_names_it()
    {
        var (one, two) = (Make("one", "a.test"), Make("two", "b.test"));
        Should.Throw<CertificateException>(() => CertificateStore.Validate([one with { Key = two.Key }])).File.ShouldBe(two.Key);
        Should.Throw<CertificateException>(() => CertificateStore.Validate([one with { Certificate = one.Key }])).File.ShouldBe(one.Key);
        File.SetUnixFileMode(one.Key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Should.Throw<CertificateException>(() => CertificateStore.Validate([one])).Message.ShouldEndWith("set its mode to 0600");
    }
}
