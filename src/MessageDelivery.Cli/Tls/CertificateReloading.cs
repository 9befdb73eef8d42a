using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Tls;

/// <summary>
/// Sees that the hub shows what the files hold: when they have changed, and have stayed so for a moment, or on SIGHUP. What cannot be
/// used is told to the log, and the hub goes on with what it has.
/// </summary>
internal sealed class CertificateReloading : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly TlsFiles _files;
    private readonly Action<HubCertificates> _use;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _wanted = new(0);
    private readonly PosixSignalRegistration _hangUp;
    private readonly Task _run;

    public CertificateReloading(TlsFiles files, Action<HubCertificates> use, ILogger logger)
    {
        _files = files;
        _use = use;
        _logger = logger;
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            _wanted.Release();
        });
        _run = RunAsync(CertificateFiles.Fingerprint(files), _stopping.Token);
    }

    /// <summary>Reads the certificates that a hub starts with; null where it speaks no TLS.</summary>
    public static HubTlsOptions? Load(TlsFiles files)
    {
        if (files.EffectiveMode == HubTlsMode.Off)
        {
            return null;
        }

        try
        {
            return new()
            {
                Mode = files.EffectiveMode,
                ClientCertificates = files.EffectiveClientCertificates,
                Certificates = CertificateFiles.Load(files),
            };
        }
        catch (CertificateFileException exception)
        {
            throw new CommandException(ExitCode.Usage, $"no certificate: {exception.Message}");
        }
    }

    /// <summary>Says what an operator should know of what the hub shows.</summary>
    public static void Describe(TlsFiles files, X509Certificate2 certificate, ILogger logger)
    {
        if (files.IsThrowAway)
        {
            logger.ThrowAwayCertificate(certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant());
        }

        foreach (string path in CertificateFiles.OpenSecrets(files))
        {
            logger.SecretIsOpen(path);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _hangUp.Dispose();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _stopping.Dispose();
        _wanted.Dispose();
    }

    private async Task RunAsync(string known, CancellationToken stopping)
    {
        string seen = known;
        while (!stopping.IsCancellationRequested)
        {
            bool isAsked;
            try
            {
                isAsked = await _wanted.WaitAsync(Pause, stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            // A throw-away certificate is made once.
            string now = _files.IsThrowAway ? known : CertificateFiles.Fingerprint(_files);
            if (isAsked || (now != known && now == seen))
            {
                known = now;
                Reload();
            }

            seen = now;
        }
    }

    private void Reload()
    {
        if (_files.IsThrowAway)
        {
            return;
        }

        try
        {
            _use(CertificateFiles.Load(_files));
            foreach (string path in CertificateFiles.OpenSecrets(_files))
            {
                _logger.SecretIsOpen(path);
            }
        }
        catch (Exception exception) when (exception is CertificateFileException or ArgumentException or CryptographicException)
        {
            _logger.CertificatesNotReloaded(exception.Message);
        }
    }
}
