using System.Diagnostics.CodeAnalysis;

namespace MessageDelivery.Hub.Access;

/// <summary>A token on its way to the authenticator and back. It may be withdrawn; then nothing comes back.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer or a handle holds nothing to dispose of.")]
internal sealed class TokenCheck
{
    private readonly CancellationTokenSource _withdrawn = new();
    private readonly byte[] _token;
    private readonly AuthenticationContext _context;
    private readonly Action<AuthenticationResult, IAuthenticator> _answer;

    /// <param name="token">The token; it is copied.</param>
    /// <param name="answer">Takes the result and who gave it, on a thread of the pool.</param>
    public TokenCheck(ReadOnlySpan<byte> token, AuthenticationContext context, Action<AuthenticationResult, IAuthenticator> answer)
    {
        _token = token.ToArray();
        _context = context;
        _answer = answer;
    }

    public bool IsWithdrawn => _withdrawn.IsCancellationRequested;

    /// <summary>Nobody waits for the answer any more. Any thread; what the authenticator does about it is done on another.</summary>
    public void Withdraw() => _ = _withdrawn.CancelAsync();

    /// <summary>Asks the authenticator. Returns the defect that kept it from answering, if there was one.</summary>
    public async Task<Exception?> RunAsync(IAuthenticator authenticator)
    {
        var result = AuthenticationResult.Refused(AuthenticationFailure.Unknown);
        Exception? defect = null;
        try
        {
            result = await authenticator.AuthenticateAsync(_token, _context, _withdrawn.Token).ConfigureAwait(false)
                ?? throw new InvalidOperationException("The authenticator has answered nothing.");
        }
        catch (OperationCanceledException) when (IsWithdrawn)
        {
        }
        catch (Exception exception)
        {
            defect = exception;
        }

        Array.Clear(_token);
        if (!IsWithdrawn)
        {
            _answer(result, authenticator);
        }

        return defect;
    }
}
