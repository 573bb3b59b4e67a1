<?php

/**
 * Signs a subscriber in from BOSS's portal: ?_boss=<token>, good once and for a minute.
 *
 * Roundcube knows the subscriber under his own address all the time, so there is one profile for him, however he signs
 * in. Only in the moment of connecting to Dovecot the master user opens the mailbox; what the mailbox may not do at
 * the moment, the master user may not do either (passdb with pass = yes).
 *
 * Settings: boss_sign_in_key (shared with BOSS), boss_sign_in_master, boss_sign_in_master_password,
 * boss_sign_in_spent (a directory in which used tokens are remembered).
 */
class boss_sign_in extends rcube_plugin
{
    const LONGEST = 90;

    private $user = '';

    public function init()
    {
        $this->add_hook('startup', [$this, 'startup']);
        $this->add_hook('authenticate', [$this, 'authenticate']);
        $this->add_hook('login_after', [$this, 'login_after']);
        $this->add_hook('storage_connect', [$this, 'storage_connect']);
        $this->add_hook('smtp_connect', [$this, 'smtp_connect']);
    }

    public function startup($args)
    {
        if (empty($_GET['_boss'])) {
            return $args;
        }
        // Whoever was signed in here before is not any more, whatever the token is worth.
        if (!empty($_SESSION['user_id'])) {
            rcmail::get_instance()->kill_session();
        }
        $args['task'] = 'login';
        $args['action'] = 'login';
        return $args;
    }

    public function authenticate($args)
    {
        $_SESSION['boss_sign_in'] = '';
        if (empty($_GET['_boss'])) {
            return $args;
        }
        $this->user = $this->spend((string) $_GET['_boss']);
        $args['user'] = $this->user;
        $args['pass'] = $this->user === '' ? '' : bin2hex(random_bytes(16));
        $args['valid'] = $this->user !== '';
        $args['cookiecheck'] = false;
        return $args;
    }

    public function login_after($args)
    {
        $_SESSION['boss_sign_in'] = $this->user;
        return $args;
    }

    public function storage_connect($args)
    {
        if ($this->is_signed_in($args['user'])) {
            list($args['user'], $args['pass']) = $this->master($args['user']);
        }
        return $args;
    }

    public function smtp_connect($args)
    {
        $user = (string) rcmail::get_instance()->get_user_name();
        if ($this->is_signed_in($user)) {
            list($args['smtp_user'], $args['smtp_pass']) = $this->master($user);
        }
        return $args;
    }

    private function is_signed_in($user)
    {
        $signed = $this->user !== '' ? $this->user : ($_SESSION['boss_sign_in'] ?? '');
        return $signed !== '' && $signed === $user;
    }

    private function master($user)
    {
        $config = rcmail::get_instance()->config;
        return [$user . '*' . $config->get('boss_sign_in_master'), $config->get('boss_sign_in_master_password')];
    }

    /** The user of a good token, which is used up by that; else nothing. */
    private function spend($token)
    {
        $config = rcmail::get_instance()->config;
        $key = (string) $config->get('boss_sign_in_key');
        $parts = explode('.', $token);
        if ($key === '' || count($parts) !== 2) {
            return '';
        }
        $signed = rtrim(strtr(base64_encode(hash_hmac('sha256', $parts[0], $key, true)), '+/', '-_'), '=');
        if (!hash_equals($signed, $parts[1])) {
            return '';
        }
        $said = json_decode((string) base64_decode(strtr($parts[0], '-_', '+/')), true);
        $left = is_array($said) ? (int) ($said['until'] ?? 0) - time() : -1;
        $nonce = is_array($said) ? (string) ($said['nonce'] ?? '') : '';
        if ($left < 0 || $left > self::LONGEST || !preg_match('/^[0-9a-f]{32}$/', $nonce)) {
            return '';
        }
        $directory = (string) $config->get('boss_sign_in_spent');
        foreach (glob($directory . '/*.spent') ?: [] as $old) {
            if (filemtime($old) < time() - 2 * self::LONGEST) {
                @unlink($old);
            }
        }
        // Made only if it is not there: of two who come at once one is too late.
        $mark = @fopen($directory . '/' . $nonce . '.spent', 'x');
        if ($mark === false) {
            return '';
        }
        fclose($mark);
        return (string) ($said['user'] ?? '');
    }
}
