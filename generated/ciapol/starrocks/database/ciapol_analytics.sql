CREATE DATABASE IF NOT EXISTS `ciapol_analytics`;
