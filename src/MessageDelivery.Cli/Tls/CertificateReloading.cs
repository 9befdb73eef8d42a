using System.Security.Cryptography;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Linux;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Tls;

/// <summary>
/// Sees that the hub shows what the files hold: on a reload, and when they have changed and have stayed so for a moment. Where what has changed
/// cannot be used the log says so, and the hub goes on with what it has.
/// </summary>
internal sealed class CertificateReloading : IReloadable, IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly MessageHub _hub;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private TlsFiles _files;
    private string _known;
    private Task _run = Task.CompletedTask;

    /// <param name="known">The fingerprint of what the hub shows.</param>
    public CertificateReloading(TlsFiles files, string known, MessageHub hub, ILogger logger)
    {
        _files = files;
        _known = known;
        _hub = hub;
        _logger = logger;
    }

    public IReadOnlyCollection<string> Settings { get; } = ["tls-cert", "tls-key", "tls-pkcs12", "tls-pkcs12-password-file", "tls-client-ca"];

    // A throw-away certificate is made once.
    private bool IsOfFiles => _hub.Options.Tls.Mode != HubTlsMode.Off && !_files.IsThrowAway;

    /// <summary>Reads the certificates that a hub starts with, and tells the fingerprint of what their files held then.</summary>
    public static (HubTlsOptions Options, string Fingerprint) Load(TlsFiles files)
    {
        if (files.EffectiveMode == HubTlsMode.Off)
        {
            return (new(), "");
        }

        var contents = FileContents.Read(files.Paths);
        var options = new HubTlsOptions
        {
            Mode = files.EffectiveMode,
            ClientCertificates = files.EffectiveClientCertificates,
            Certificates = Make(files, contents),
        };
        return (options, contents.Fingerprint);
    }

    /// <summary>Says what an operator should know of what the hub shows, and begins to watch the files.</summary>
    public void Start()
    {
        if (_hub.Options.Tls.Certificates is not { } shown)
        {
            return;
        }

        if (_files.IsThrowAway)
        {
            _logger.ThrowAwayCertificate(shown.Certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());
        }

        WarnOfOpenSecrets(_files);
        if (IsOfFiles)
        {
            _run = WatchAsync(_stopping.Token);
        }
    }

    public Change Prepare(ServeSettings settings)
    {
        var files = settings.Tls;
        if (!IsOfFiles || files.IsThrowAway || files.EffectiveMode == HubTlsMode.Off)
        {
            return new(() => { });
        }

        var contents = FileContents.Read(files.Paths);
        var certificates = Make(files, contents);
        return new(() => Use(files, contents.Fingerprint, certificates)) { Files = contents.Fingerprint == _known ? "" : "the certificates" };
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private static HubCertificates Make(TlsFiles files, FileContents contents)
    {
        try
        {
            return CertificateFiles.Load(files, contents);
        }
        catch (CertificateFileException exception)
        {
            throw new CommandException(ExitCode.Usage, $"no certificate: {exception.Message}");
        }
    }

    private async Task WatchAsync(CancellationToken stopping)
    {
        string seen = _known;
        using var timer = new PeriodicTimer(Pause);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                string now;
                lock (_lock)
                {
                    var contents = FileContents.Read(_files.Paths);
                    now = contents.Fingerprint;
                    if (now != _known && now == seen)
                    {
                        _known = now;
                        TryUse(_files, contents);
                    }
                }

                seen = now;
            }
        }
        catch (OperationCanceledException)
        {
            // The hub stops.
        }
    }

    private void TryUse(TlsFiles files, FileContents contents)
    {
        try
        {
            Use(files, contents.Fingerprint, CertificateFiles.Load(files, contents));
        }
        catch (CertificateFileException exception)
        {
            _logger.CertificatesNotReloaded(OneLine.Of(exception.Message));
        }
        catch (Exception exception)
        {
            // Whatever the files hold, the next change of theirs is looked at.
            _logger.ReloadDefect(exception);
        }
    }

    private void Use(TlsFiles files, string fingerprint, HubCertificates certificates)
    {
        lock (_lock)
        {
            try
            {
                _hub.UseCertificates(certificates);
                _files = files;
                _known = fingerprint;
            }
            catch (Exception exception) when (exception is ArgumentException or CryptographicException)
            {
                _logger.CertificatesNotReloaded(OneLine.Of(OneLine.WithoutParameter(exception)));
            }

            WarnOfOpenSecrets(files);
        }
    }

    private void WarnOfOpenSecrets(TlsFiles files)
    {
        foreach (string path in CertificateFiles.OpenSecrets(files))
        {
            _logger.SecretIsOpen(path);
        }
    }
}
